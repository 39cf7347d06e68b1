package store

import (
	"fmt"
	"log/slog"
)

// driverLog takes what the MySQL driver would print to standard error. It prints there what it also
// returns as an error, so it is of use for debugging only.
type driverLog struct{ log *slog.Logger }

func (d driverLog) Print(words ...any) { d.log.Debug("mysql driver", "says", fmt.Sprint(words...)) }
