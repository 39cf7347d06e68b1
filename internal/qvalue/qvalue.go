// Package qvalue reads the weights of content negotiation (RFC 9110 section 12.4.2).
package qvalue

// Max is the weight 1, which is also that of a member that has none.
const Max = 1000

// Parse returns a weight in thousandths: 0 to Max. It is not ok unless the text is a number from 0 to 1 with at most
// three digits behind the point.
func Parse[T string | []byte](text T) (thousandths int, ok bool) {
	if len(text) == 0 || len(text) > len("0.000") || text[0] != '0' && text[0] != '1' {
		return 0, false
	}
	thousandths = int(text[0]-'0') * Max
	if len(text) == 1 {
		return thousandths, true
	}
	if text[1] != '.' {
		return 0, false
	}
	for i, unit := 2, 100; i < len(text); i, unit = i+1, unit/10 {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		thousandths += int(text[i]-'0') * unit
	}
	return thousandths, thousandths <= Max
}
