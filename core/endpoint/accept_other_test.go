//go:build !unix

package endpoint_test

// There are no limits on files to be tested here.
const fewFilesChild = "PENGBRIDGE_TEST_FEW_FILES"

func serveWithFewFiles() int { return 0 }
