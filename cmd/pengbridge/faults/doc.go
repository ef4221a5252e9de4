// Package faults is the fault suite: it breaks everything that can break between a peer, the sidecar and an application, and
// checks that every event arrived once and in order, and every command took effect once, or that the promised error said
// otherwise. It has tests only.
//
// A run is one sidecar process, a few TCP peers, and one application with a durable subscription, acknowledging or not, and a
// stream of commands, over TCP or a Unix socket; perhaps with an observer. Every byte between them passes through proxies of
// the test. Peers number their packets, the application sends each of them back, and a schedule made from a seed breaks things
// in between. What everybody saw goes to an oracle, which knows what is promised; after the run, the sidecar must be as empty as
// before it.
//
// Two more tests are about what single runs do not show: that many runs in one sidecar leave nothing behind, and that peers
// which a full log has held back are read in turn.
//
// A run that fails says how to repeat it:
//
//	FAULTS_SEED=17 go test ./cmd/pengbridge/faults -run TestFaults -v
//
// The schedule is the same then; how the processes interleave is up to the system. FAULTS_RUNS and FAULTS_TIME (a duration)
// say how long to go on, as `make soak` does. FAULTS_PYTHON, an interpreter with the Python package, makes the application a
// Python program. Schedules wait for what happens, never for time to pass, and nothing is judged by how long it took: if one of
// the sidecar's own timeouts has expired because the machine was slow, less is demanded.
//
// Where to look: schedule_test.go has the faults, oracle_test.go and the files beside it what is promised, run_test.go how
// they come together.
package faults
