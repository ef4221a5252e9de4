package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// byteSize is a number of bytes, more than 0, as people write it: 64KiB, 512MiB, 1GiB.
type byteSize int64

// UnmarshalText reads a size. The unit must be given, so that nobody asks for one byte who means a gibibyte.
func (s *byteSize) UnmarshalText(text []byte) error {
	for shift, unit := range map[int]string{10: "KiB", 20: "MiB", 30: "GiB"} {
		number, found := strings.CutSuffix(string(text), unit)
		if !found {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n <= 0 || n > math.MaxInt64>>shift {
			break
		}
		*s = byteSize(n << shift)
		return nil
	}
	return errors.New("must be a size such as 512MiB or 1GiB")
}
