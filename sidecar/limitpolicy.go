package sidecar

// What an operator decides about the limits of endpoints: their defaults, and the most that an application may ask for.

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// LimitPolicy decides on the limits of endpoints. The zero value leaves them to applications and to the usual defaults.
type LimitPolicy struct {
	// Default has the values of fields that an application leaves unset. Unset fields: the usual defaults.
	Default *pb.Limits
	// Most has the largest values that an application may ask for. Where the default is larger, or no limit at all, it is the
	// default as well. Unset fields: only the API bounds the value.
	Most *pb.Limits
}

// builtInLimits are the defaults without a policy.
func builtInLimits() *pb.Limits {
	return apiLimits(endpoint.DefaultLimits(), eventlog.DefaultBacklogBytes, eventlog.DefaultBacklogEvents)
}

// check returns an error for limits that no endpoint can have, so that a start fails and not every Bind.
func (p LimitPolicy) check() error {
	for name, limits := range map[string]*pb.Limits{"default": p.Default, "most": p.Most} {
		converted, err := coreLimits(limits)
		if err == nil {
			err = converted.Validate()
		}
		if err != nil {
			return fmt.Errorf("limit policy, %s: %w", name, err)
		}
	}
	return nil
}

// defaults returns the limits of an endpoint whose application asks for none.
func (p LimitPolicy) defaults() *pb.Limits {
	limits := builtInLimits()
	overlay(limits, p.Default)
	bounds := p.Most.ProtoReflect()
	bounds.Range(func(field protoreflect.FieldDescriptor, most protoreflect.Value) bool {
		at := limits.ProtoReflect()
		if amount := measure64(field, at.Get(field)); amount == 0 || amount > measure64(field, most) {
			at.Set(field, most)
		}
		return true
	})
	return limits
}

// apply returns the limits of an endpoint whose application asks for these, or for nothing (nil). The error names the field that
// asks for too much.
func (p LimitPolicy) apply(asked *pb.Limits) (*pb.Limits, error) {
	if _, err := coreLimits(asked); err != nil { // finds invalid durations
		return nil, err
	}
	var tooMuch error
	p.Most.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, most protoreflect.Value) bool {
		if measure64(field, asked.ProtoReflect().Get(field)) > measure64(field, most) {
			tooMuch = invalid("limits."+string(field.Name()), "must be at most %v here: the sidecar was started with that bound", shown(field, most))
		}
		return tooMuch == nil
	})
	if tooMuch != nil {
		return nil, tooMuch
	}
	limits := p.defaults()
	overlay(limits, asked)
	return limits, nil
}

// overlay sets the fields of limits that are set in upper, and not to zero.
func overlay(limits, upper *pb.Limits) {
	upper.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Message() != nil {
			value = protoreflect.ValueOfMessage(proto.Clone(value.Message().Interface()).ProtoReflect())
			if measure64(field, value) == 0 {
				return true
			}
		}
		limits.ProtoReflect().Set(field, value)
		return true
	})
}

// measure64 returns a limit as a number that can be compared: a count, bytes, or nanoseconds.
func measure64(field protoreflect.FieldDescriptor, value protoreflect.Value) uint64 {
	if field.Message() != nil {
		return uint64(max(durationOf(value), 0))
	}
	return value.Uint()
}

func shown(field protoreflect.FieldDescriptor, value protoreflect.Value) any {
	if field.Message() != nil {
		return durationOf(value)
	}
	return value.Uint()
}

// durationOf returns the value of a duration field; all messages in pb.Limits are durations.
func durationOf(value protoreflect.Value) time.Duration {
	d, _ := value.Message().Interface().(*durationpb.Duration)
	return d.AsDuration()
}
