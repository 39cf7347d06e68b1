// Package money writes amounts of money for people.
package money

import "fmt"

// minorDigits are how many digits a currency's minor units have, where that is not two (ISO 4217).
var minorDigits = map[string]int{
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
	"VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}

// Format returns an amount in minor units, zero or more, in the currency's major units: "19.99 EUR".
func Format(amount int64, currency string) string {
	digits, known := minorDigits[currency]
	if !known {
		digits = 2
	}
	text := fmt.Sprintf("%0*d", digits+1, amount)
	if whole := len(text) - digits; digits > 0 {
		text = text[:whole] + "." + text[whole:]
	}
	return text + " " + currency
}
