//go:build unix

package faults

import (
	"math/rand/v2"
	"net"
	"strings"
	"sync"
)

// proxy relays connections to a target, TCP or Unix, and breaks them as it is told. All methods may be called concurrently.
type proxy struct {
	listener net.Listener
	target   place
	narrow   bool
	wg       sync.WaitGroup

	mu      sync.Mutex
	links   map[*link]struct{}
	stalled bool // new links are, too
}

// place is where somebody listens.
type place struct{ network, address string }

// placeOf reads "host:port" or "unix:/path".
func placeOf(address string) place {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return place{"unix", path}
	}
	return place{"tcp", address}
}

// stream is a TCP or Unix connection.
type stream interface {
	net.Conn
	CloseWrite() error
}

// link is one relayed connection.
type link struct {
	client, server stream
	up, down       *lane // from the client, and to it
}

// narrowBytes is how much a narrow proxy's sockets hold: so little that senders have to wait, or to queue.
const narrowBytes = 32 << 10

// newProxy relays to an address, "host:port" or "unix:/path", until close. It listens on loopback, or in the same folder.
func newProxy(target string, narrow bool) (*proxy, error) {
	to := placeOf(target)
	at := place{"tcp", "127.0.0.1:0"}
	if to.network == "unix" {
		at = place{"unix", to.address + "-proxy"}
	}
	listener, err := net.Listen(at.network, at.address)
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, target: to, narrow: narrow, links: make(map[*link]struct{})}
	p.wg.Go(p.accept)
	return p, nil
}

// address is where the proxy listens, in the target's form.
func (p *proxy) address() string {
	if p.target.network == "unix" {
		return "unix:" + p.listener.Addr().String()
	}
	return p.listener.Addr().String()
}

// close ends everything and waits for it.
func (p *proxy) close() {
	_ = p.listener.Close()
	for _, l := range p.all() {
		l.reset()
	}
	p.wg.Wait()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(p.target.network, p.target.address)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.relay(client.(stream), server.(stream))
	}
}

func (p *proxy) relay(client, server stream) {
	if p.narrow {
		for _, conn := range []stream{client, server} {
			_ = conn.(*net.TCPConn).SetReadBuffer(narrowBytes)
			_ = conn.(*net.TCPConn).SetWriteBuffer(narrowBytes)
		}
	}
	l := &link{client: client, server: server}
	l.up, l.down = newLane(l, client, server), newLane(l, server, client)
	p.mu.Lock()
	p.links[l] = struct{}{}
	if p.stalled {
		l.stall(true)
	}
	p.mu.Unlock()
	var lanes sync.WaitGroup
	lanes.Go(l.up.run)
	lanes.Go(l.down.run)
	p.wg.Go(func() {
		lanes.Wait()
		_ = client.Close()
		_ = server.Close()
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	})
}

// all returns the links that there are.
func (p *proxy) all() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*link, 0, len(p.links))
	for l := range p.links {
		all = append(all, l)
	}
	return all
}

// find returns the link of a client's address, or nil.
func (p *proxy) find(client string) *link {
	for _, l := range p.all() {
		if l.client.RemoteAddr().String() == client {
			return l
		}
	}
	return nil
}

// each does something to every link there is.
func (p *proxy) each(do func(*link)) {
	for _, l := range p.all() {
		do(l)
	}
}

// stall holds back every byte in both directions, on new links as well, or lets them go again.
func (p *proxy) stall(stalled bool) {
	p.mu.Lock()
	p.stalled = stalled
	p.mu.Unlock()
	p.each(func(l *link) { l.stall(stalled) })
}

func (l *link) stall(stalled bool) {
	l.up.stall(stalled)
	l.down.stall(stalled)
}

// reset breaks both connections: what was under way is lost. Over TCP, both ends get RST.
func (l *link) reset() {
	for _, conn := range []stream{l.client, l.server} {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	l.shut()
}

// shut closes both connections.
func (l *link) shut() {
	_ = l.client.Close()
	_ = l.server.Close()
	l.up.quit()
	l.down.quit()
}

// lane is one direction of a link.
type lane struct {
	link     *link
	from, to stream

	mu      sync.Mutex
	changed sync.Cond
	stalled bool
	over    bool
	limit   int // how many bytes still pass, if ends is set
	ends    func(*link)
	crumbs  int // how many bytes pass in crumbs
}

func newLane(l *link, from, to stream) *lane {
	n := &lane{link: l, from: from, to: to}
	n.changed.L = &n.mu
	return n
}

func (n *lane) stall(stalled bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stalled = stalled
	n.changed.Broadcast()
}

func (n *lane) quit() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.over = true
	n.changed.Broadcast()
}

// endAfter lets so many more bytes pass, and then does something to the link. It is done at once if bytes are 0.
func (n *lane) endAfter(bytes int, end func(*link)) {
	n.mu.Lock()
	n.limit, n.ends = bytes, end
	n.mu.Unlock()
	if bytes == 0 {
		end(n.link)
	}
}

// crumble lets the next bytes pass a few at a time, each few in a write of its own.
func (n *lane) crumble(bytes int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.crumbs = bytes
}

// run relays until the end of the stream, which it passes on, or until the link breaks.
func (n *lane) run() {
	buf := make([]byte, 32<<10)
	for {
		size, err := n.from.Read(buf)
		if !n.pass(buf[:size]) {
			return
		}
		if err != nil {
			_ = n.to.CloseWrite()
			n.quit()
			return
		}
	}
}

// pass writes p as the faults allow, and returns false when the lane has ended.
func (n *lane) pass(p []byte) bool {
	for len(p) > 0 {
		size, end := n.next(len(p))
		if size == 0 {
			return false
		}
		if _, err := n.to.Write(p[:size]); err != nil {
			n.link.reset()
			return false
		}
		if end != nil {
			end(n.link)
			return false
		}
		p = p[size:]
	}
	return true
}

// next waits until bytes may pass, and says how many of them, and what is to be done behind them.
func (n *lane) next(size int) (int, func(*link)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.stalled && !n.over {
		n.changed.Wait()
	}
	if n.over {
		return 0, nil
	}
	if n.crumbs > 0 {
		size = min(size, 1+rand.IntN(7))
		n.crumbs -= size
	}
	if n.ends == nil {
		return size, nil
	}
	size = min(size, n.limit)
	if n.limit -= size; n.limit == 0 {
		return size, n.ends
	}
	return size, nil
}
