package manifest

import (
	"reflect"
	"strconv"
)

// scalar fills text, numbers and truth values.
func (d *decoder) scalar(n *node, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		d.text(n, v)
	case reflect.Bool:
		d.truth(n, v)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if i, err := strconv.ParseInt(n.text, 10, v.Type().Bits()); err == nil && n.kind == isNumber {
			v.SetInt(i)
			return
		}
		d.wrong(n, "a whole number of "+strconv.Itoa(v.Type().Bits())+" bits")
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if i, err := strconv.ParseUint(n.text, 10, v.Type().Bits()); err == nil && n.kind == isNumber {
			v.SetUint(i)
			return
		}
		d.wrong(n, "a whole number from 0, of "+strconv.Itoa(v.Type().Bits())+" bits")
	case reflect.Float32, reflect.Float64:
		if f, err := strconv.ParseFloat(n.text, v.Type().Bits()); err == nil && n.kind == isNumber {
			v.SetFloat(f)
			return
		}
		d.wrong(n, "a number")
	default:
		d.wrong(n, "nothing that could be written here")
	}
}

// text takes no numbers and truth values for text: what text they would be is not what was written (1.10,
// 0x10, yes), and Kubernetes refuses them as well.
func (d *decoder) text(n *node, v reflect.Value) {
	switch n.kind {
	case isText:
		v.SetString(d.texts.copy(n.text))
	case isNumber, isBool:
		d.wrong(n, "text (write it in quotes)")
	default:
		d.wrong(n, "text")
	}
}

// truth takes the words of YAML 1.1 too, as Kubernetes does.
func (d *decoder) truth(n *node, v reflect.Value) {
	if n.kind == isBool {
		v.SetBool(n.text == "true")
		return
	}
	if n.kind == isText && n.plain {
		switch n.text {
		case "yes", "Yes", "YES", "on", "On", "ON", "y", "Y":
			v.SetBool(true)
			return
		case "no", "No", "NO", "off", "Off", "OFF", "n", "N":
			v.SetBool(false)
			return
		}
	}
	d.wrong(n, "true or false")
}
