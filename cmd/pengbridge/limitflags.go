package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// limitFlags are limits of endpoints as people write them: name=value, with the API's names.
type limitFlags []limitFlag

// limitFlag is one limit.
type limitFlag struct {
	field protoreflect.FieldDescriptor
	value protoreflect.Value
}

// UnmarshalText adds limits, with a comma between one and the next: the command line calls it for each flag. A limit is
// name=value, where the value is a time such as 10s, a size such as 64KiB, or a number.
func (l *limitFlags) UnmarshalText(text []byte) error {
	for _, each := range strings.Split(string(text), ",") {
		f, err := parseLimitFlag(each)
		if err != nil {
			return err
		}
		*l = append(*l, f)
	}
	return nil
}

func parseLimitFlag(text string) (limitFlag, error) {
	name, value, found := strings.Cut(text, "=")
	field := limitFields().ByName(protoreflect.Name(name))
	switch {
	case !found:
		return limitFlag{}, fmt.Errorf("%q must be name=value, such as max_connections=1000", text)
	case field == nil:
		return limitFlag{}, fmt.Errorf("there is no limit %q: there are %s", name, strings.Join(limitNames(), ", "))
	}
	parsed, err := parseLimit(field, value)
	if err != nil {
		return limitFlag{}, fmt.Errorf("%s: %w", name, err)
	}
	return limitFlag{field, parsed}, nil
}

func parseLimit(field protoreflect.FieldDescriptor, text string) (protoreflect.Value, error) {
	if field.Message() != nil { // the only messages among limits are durations
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return protoreflect.Value{}, fmt.Errorf("%q must be a time above 0, such as 90s or 5m", text)
		}
		return protoreflect.ValueOfMessage(durationpb.New(d).ProtoReflect()), nil
	}
	bits := 64
	if field.Kind() == protoreflect.Uint32Kind {
		bits = 32
	}
	var number uint64
	var err error
	advice := "a number above 0"
	if strings.Contains(string(field.Name()), "bytes") {
		var size byteSize
		err = size.UnmarshalText([]byte(text))
		number, advice = uint64(size), "a size such as 64KiB or 16MiB"
	} else {
		number, err = strconv.ParseUint(text, 10, bits)
	}
	if err != nil || number == 0 || bits == 32 && number >= 1<<32 {
		return protoreflect.Value{}, fmt.Errorf("%q must be %s, below 2^%d", text, advice, bits)
	}
	if bits == 32 {
		return protoreflect.ValueOfUint32(uint32(number)), nil
	}
	return protoreflect.ValueOfUint64(number), nil
}

// limits returns them as the API has them. If one is given twice, the last value counts.
func (l limitFlags) limits() *pb.Limits {
	limits := new(pb.Limits)
	for _, f := range l {
		limits.ProtoReflect().Set(f.field, f.value)
	}
	return limits
}

// limitNames returns the names of all limits, sorted.
func limitNames() []string {
	var names []string
	for i := range limitFields().Len() {
		names = append(names, string(limitFields().Get(i).Name()))
	}
	slices.Sort(names)
	return names
}

func limitFields() protoreflect.FieldDescriptors {
	return new(pb.Limits).ProtoReflect().Descriptor().Fields()
}
