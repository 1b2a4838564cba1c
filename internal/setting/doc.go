// Package setting makes settings tables: a row each with name, type, bounds,
// unit and a sentence, from which flags, environment variables, the keys of the
// configuration file and docs/config.md all come.
//
// Always true: a flag wins over the environment, the environment over the file,
// the file over the default; an unknown key is an error; an error names the
// setting, what was given and what is allowed.
//
// The package starts no goroutine.
package setting
