package money_test

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/money"
)

func TestFormat(t *testing.T) {
	for _, row := range []struct {
		amount         int64
		currency, want string
	}{
		{1999, "EUR", "19.99 EUR"}, {5, "EUR", "0.05 EUR"}, {0, "USD", "0.00 USD"}, {100, "JPY", "100 JPY"},
		{0, "JPY", "0 JPY"}, {1234, "KWD", "1.234 KWD"}, {7, "KWD", "0.007 KWD"},
		{100_000_000_000, "EUR", "1000000000.00 EUR"}, {150, "XYZ", "1.50 XYZ"},
	} {
		if got := money.Format(row.amount, row.currency); got != row.want {
			t.Errorf("Format(%d, %s) = %q, want %q", row.amount, row.currency, got, row.want)
		}
	}
}
