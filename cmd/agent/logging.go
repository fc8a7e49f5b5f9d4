package main

import (
	"io"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/config"
)

// newLogger makes the agent's log: one line for each entry, with fields.
func newLogger(out io.Writer) *logrus.Logger {
	log := logrus.New()
	log.SetOutput(out)
	log.SetFormatter(&logrus.TextFormatter{FullTimestamp: true, TimestampFormat: "2006-01-02T15:04:05.000Z07:00"})
	return log
}

// setLogLevel makes the log say what is of the level or above; the empty level logs
// nothing. Nothing in the agent logs at logrus' panic level.
func setLogLevel(log *logrus.Logger, level config.LogLevel) {
	levels := map[config.LogLevel]logrus.Level{
		config.LogTrace:   logrus.TraceLevel,
		config.LogDebug:   logrus.DebugLevel,
		config.LogInfo:    logrus.InfoLevel,
		config.LogWarning: logrus.WarnLevel,
		config.LogError:   logrus.ErrorLevel,
		config.LogFatal:   logrus.FatalLevel,
		"":                logrus.PanicLevel,
	}
	log.SetLevel(levels[level])
}
