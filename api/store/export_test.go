package store

// ExactSteps are the statements that make comparisons exact.
var ExactSteps = mysqlMigrations[3]

// For the tests of the tables of errors.
var (
	MeaningOf     = meaningOf
	MySQLMeanings = mysqlMeanings
	IsUndone      = isUndone
)

const (
	Duplicate = duplicate
	InPlace   = inPlace
	Again     = again
	Busy      = busy
	Full      = full
	ReadOnly  = readOnly
	Away      = away
	Ending    = ending
	MaxTries  = maxTries
)
