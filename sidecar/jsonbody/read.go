package jsonbody

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/packet"
)

// AppendMessagePack appends the one JSON value that text holds to dst as MessagePack. Maps keep their order. Text
// beyond [packet.MaxNesting] or [packet.MaxElements] is refused; [packet.Check], which a packet's body has yet to pass, is
// stricter. Errors say at which byte of text something is wrong, and do not quote it: errors are logged, bodies are not.
func AppendMessagePack(dst []byte, text string) ([]byte, error) {
	if at := loneSurrogate(text); at >= 0 {
		return dst, fmt.Errorf("byte %d: half of a surrogate pair is no character", at)
	}
	r := reader{dec: json.NewDecoder(strings.NewReader(text))}
	r.dec.UseNumber()
	err := r.value(0)
	if err == nil {
		_, err = r.dec.Token()
		if errors.Is(err, io.EOF) {
			return r.appendTo(dst), nil
		}
		err = errors.New("more than one value")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the text ends too early")
	}
	return dst, fmt.Errorf("byte %d: %w", r.dec.InputOffset(), err)
}

// reader turns tokens into MessagePack as they come, so that what it holds is bounded by the text.
type reader struct {
	dec      *json.Decoder
	elements int
	// out is the MessagePack without the headers of arrays and maps. How long they are is known only at their end, and
	// pushing everything behind aside for each of them would take time that grows with nesting times length.
	out     []byte
	headers []header // in the order of their places
}

// header is the header of an array or a map, and its place in reader.out.
type header struct {
	at    int
	n     uint32
	keyed bool
}

// appendTo appends what was read, with its headers.
func (r *reader) appendTo(dst []byte) []byte {
	copied := 0
	for _, h := range r.headers {
		dst = append(dst, r.out[copied:h.at]...)
		copied = h.at
		if h.keyed {
			dst = msgp.AppendMapHeader(dst, h.n)
		} else {
			dst = msgp.AppendArrayHeader(dst, h.n)
		}
	}
	return append(dst, r.out[copied:]...)
}

func (r *reader) value(depth int) error {
	token, err := r.dec.Token()
	if err != nil {
		return err
	}
	r.elements++
	if r.elements > packet.MaxElements {
		return fmt.Errorf("more than %d values", packet.MaxElements)
	}
	switch v := token.(type) {
	case nil:
		r.out = msgp.AppendNil(r.out)
		return nil
	case bool:
		r.out = msgp.AppendBool(r.out, v)
		return nil
	case string:
		r.out = msgp.AppendString(r.out, v)
		return nil
	case json.Number:
		return r.number(v.String())
	}
	if depth >= packet.MaxNesting {
		return fmt.Errorf("nested more than %d deep", packet.MaxNesting)
	}
	if token == json.Delim('[') {
		return r.array(depth)
	}
	return r.object(depth)
}

func (r *reader) array(depth int) error {
	index := len(r.headers)
	r.headers = append(r.headers, header{at: len(r.out)})
	for ; r.dec.More(); r.headers[index].n++ {
		if err := r.value(depth + 1); err != nil {
			return err
		}
	}
	_, err := r.dec.Token() // the closing bracket
	return err
}

func (r *reader) object(depth int) error {
	index := len(r.headers)
	r.headers = append(r.headers, header{at: len(r.out), keyed: true})
	for ; r.dec.More(); r.headers[index].n++ {
		key, err := r.text()
		if err != nil {
			return err
		}
		switch {
		case !strings.HasPrefix(key, "$"):
			r.out = msgp.AppendString(r.out, key)
		case strings.HasPrefix(key, "$$"):
			r.out = msgp.AppendString(r.out, key[1:])
		case strings.HasPrefix(key, binPrefix):
			err = r.bin(key[len(binPrefix):])
		case r.headers[index].n == 0:
			r.headers = r.headers[:index] // it is no map
			return r.special(key)
		default:
			err = unknownKey()
		}
		if err == nil {
			err = r.value(depth + 1)
		}
		if err != nil {
			return err
		}
	}
	_, err := r.dec.Token() // the closing brace
	return err
}

// special reads the rest of an object that stands for what JSON has no word for, behind its only key.
func (r *reader) special(key string) error {
	read, ok := map[string]func() error{keyBin: r.binText, keyFloat: r.float, keyExt: r.ext}[key]
	if !ok {
		return unknownKey()
	}
	if err := read(); err != nil {
		return err
	}
	return r.delim('}', "an object with "+key+" has no other key")
}

func (r *reader) binText() error {
	text, err := r.text()
	if err != nil {
		return err
	}
	return r.bin(text)
}

func (r *reader) bin(text string) error {
	data, err := base64.StdEncoding.DecodeString(text)
	r.out = msgp.AppendBytes(r.out, data)
	return err
}

func (r *reader) float() error {
	text, err := r.text()
	if err != nil {
		return err
	}
	f, ok := map[string]float64{"nan": math.NaN(), "inf": math.Inf(1), "-inf": math.Inf(-1)}[text]
	if !ok {
		return errors.New(`$float is "nan", "inf" or "-inf"`)
	}
	r.out = msgp.AppendFloat64(r.out, f)
	return nil
}

func (r *reader) ext() error {
	const form = `$ext is [type, "<base64>"] with a type from 0 to 127, or -1 for times`
	if err := r.delim('[', form); err != nil {
		return err
	}
	token, err := r.dec.Token()
	if err != nil {
		return err
	}
	number, _ := token.(json.Number)
	kind, err := strconv.ParseInt(number.String(), 10, 8)
	if err != nil {
		return errors.New(form)
	}
	text, err := r.text()
	if err != nil {
		return err
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	r.out, err = msgp.AppendExtension(r.out, &msgp.RawExtension{Type: int8(kind), Data: data})
	if err != nil {
		return err
	}
	return r.delim(']', form)
}

// text reads a token that must be a string: an object's key, or what stands in one of the special objects.
func (r *reader) text() (string, error) {
	token, err := r.dec.Token()
	if err != nil {
		return "", err
	}
	text, ok := token.(string)
	if !ok {
		return "", errors.New("a string is needed here")
	}
	return text, nil
}

func (r *reader) delim(want json.Delim, otherwise string) error {
	token, err := r.dec.Token()
	if err == nil && token != want {
		err = errors.New(otherwise)
	}
	return err
}

func unknownKey() error {
	return errors.New("an object's key that begins with $ must be $bin, $ext or $float alone; write your own with $$")
}

// number keeps integers and floats apart as the text does: a point or an exponent makes a float.
func (r *reader) number(text string) error {
	if strings.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return errors.New("the number is beyond a 64 bit float")
		}
		r.out = msgp.AppendFloat64(r.out, f)
		return nil
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		r.out = msgp.AppendUint64(r.out, u)
		return nil
	}
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return errors.New("the integer is beyond 64 bits: MessagePack has -2^63 to 2^64-1")
	}
	r.out = msgp.AppendInt64(r.out, i)
	return nil
}
