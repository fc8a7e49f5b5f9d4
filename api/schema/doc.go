// Package schema has what the API server's definition of FelixConfiguration is made of. In package api its
// settings are what was written, each by its name, for package config to judge; controller-gen needs a type
// with a field for each. Nothing else uses this package, and it owns nothing in the kernel.
//
// +groupName=projectcalico.org
// +versionName=v3
package schema
