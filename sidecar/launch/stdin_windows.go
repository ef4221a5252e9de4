package launch

import "os"

// Stdin returns standard input as a file whose Close ends a Read under way.
func Stdin() (*os.File, error) { return os.Stdin, nil }
