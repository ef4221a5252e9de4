// Package attack measures what hostile peers cost a sidecar, and what the others notice of it. It consists of tests:
//
//	go test -tags full -v -run TestAttacks ./bench/attack    # each attack by itself: the table in docs/attacks.md
//	go test -tags full -v -run TestCrowd ./bench/attack      # 10,000 idle and 1,000 hostile peers beside 100 working ones
//
// The sidecar, the application with the well-behaved peers, and the attackers are three processes, so that the cost of an
// attack is not that of making it. They need Linux, whose /proc tells what a process has used, and 12,000 open files.
package attack
