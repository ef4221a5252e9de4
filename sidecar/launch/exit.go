package launch

// The exit codes of `pengbridge serve`. Parents may rely on them.
const (
	// ExitOK: it was asked to end (stdin closed, parent gone, SIGTERM), and did so in time. Peers and subscribers that did not
	// read everything in their share of that time are logged as warnings.
	ExitOK = 0
	// ExitFailure: something broke that has no code of its own; the last line on stderr says what.
	ExitFailure = 1
	// ExitUsage: the command line, or a file it names, makes no sense. Trying again will not help.
	ExitUsage = 2
	// ExitLaunch: the parent's hello line was missing, malformed, or not from the parent.
	ExitLaunch = 3
	// ExitListen: it could not listen.
	ExitListen = 4
	// ExitForced: it was asked to end, and was cut short by a second signal or because the drain time ran out.
	ExitForced = 5
)
