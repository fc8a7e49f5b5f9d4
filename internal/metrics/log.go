package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
)

// Log counts what the agent complains about. It is a logrus.Hook, to be added to the logger.
type Log struct{ errors prometheus.Counter }

// NewLog makes and registers the metric.
func NewLog(r prometheus.Registerer) *Log {
	return &Log{errors: counter(r, "felix_log_errors", "Errors logged.").WithLabelValues()}
}

// Levels are those of errors.
func (l *Log) Levels() []logrus.Level {
	return []logrus.Level{logrus.PanicLevel, logrus.FatalLevel, logrus.ErrorLevel}
}

// Fire counts a line.
func (l *Log) Fire(*logrus.Entry) error {
	l.errors.Inc()
	return nil
}
