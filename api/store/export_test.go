package store

// ExactSteps are the statements that make comparisons exact.
var ExactSteps = mysqlMigrations[3]
