package accounts

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/woodytoys/woodytoys/api/shop"
)

// Passwords are as NIST SP 800-63B has them: long, of any characters, without rules of how many of which, and none of
// those that are tried first.
const (
	passwordMin      = 10
	passwordMaxBytes = 1000
)

// normal returns a password as it is hashed: in Unicode's form C, as RFC 8265 (4.2.2) has it, so that it does not count
// how a keyboard writes é. Its error is Invalid where the password is too long to be one, or no text.
func normal(password string) (string, error) {
	if len(password) > passwordMaxBytes || !utf8.ValidString(password) {
		return "", invalidPassword(fmt.Sprintf("A password is UTF-8, and has at most %d bytes.", passwordMaxBytes))
	}
	return norm.NFC.String(password), nil
}

// newPassword returns a password as it is hashed. Its error is Invalid unless it may be the new password of an account.
func newPassword(password, name string) (string, error) {
	password, err := normal(password)
	if err != nil {
		return "", err
	}
	lower := strings.ToLower(password)
	switch {
	case utf8.RuneCountInString(password) < passwordMin:
		return "", invalidPassword(fmt.Sprintf("A password has at least %d characters.", passwordMin))
	case strings.Contains(lower, name) && len(lower) < len(name)+passwordMin/2:
		return "", invalidPassword("A password is not the account's name, nor hardly more than that.")
	case isGuessed(lower):
		return "", invalidPassword("This password is one of those that are tried first; take another one.")
	}
	return password, nil
}

func invalidPassword(detail string) error { return &shop.Error{Kind: shop.Invalid, Detail: detail} }

// isGuessed reports whether a password, in lower case, is one of those that are tried first: few characters over and
// over, a run of keys, or one of the common ones.
func isGuessed(password string) bool {
	distinct := map[rune]bool{}
	for _, r := range password {
		distinct[r] = true
	}
	const few = 3
	if len(distinct) <= few {
		return true
	}
	for _, run := range []string{
		"abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "98765432109876543210", "qwertyuiopasdfghjklzxcvbnm",
		"azertyuiopqsdfghjklmwxcvbn", "1q2w3e4r5t6y7u8i9o0p", "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qazwsxedcrfvtgbyhnujm",
	} {
		if strings.Contains(run, password) {
			return true
		}
	}
	return common[password]
}

// common are the common passwords of ten characters and more, in lower case, beside those that isGuessed finds.
var common = func() map[string]bool {
	words := strings.Fields(`
		password12 password123 password1234 password12345 password123456 password01 password11 passw0rd12 passw0rd123
		p@ssword12 p@ssword123 p@ssw0rd12 p@ssw0rd123 motdepasse motdepasse1 motdepasse123 monmotdepasse
		1234567890a 123456789a 123456789q 123456789qwe a123456789 a1234567890 q123456789 abcd123456 abc1234567
		abcdef1234 abcdefg123 qwerty1234 qwerty12345 qwerty123456 qwertyuiop1 azerty1234 azerty12345 azerty123456
		administrator administrateur admin12345 admin123456 changeme12 changeme123 welcome123 welcome1234 letmein123
		iloveyou12 iloveyou123 iloveyou123456 jetaime123 superman123 football123 baseball123 basketball princess123
		sunshine123 dragon12345 monkey12345 michael123 jennifer123 woodytoys1 woodytoys12 woodytoys123 woody12345
		1q2w3e4r5t6y 1qaz2wsx3edc1 zaq12wsxcde3 qwer123456 asdf123456 asdfghjkl1 zxcvbnm123 147258369a 0987654321a
		aa123456789 aaa111222333 google1234 samsung123 computer123 internet123 bonjour123 chocolat123 doudou1234
		loulou1234 marseille13 correcthorsebatterystaple thisisapassword mypassword mypassword1 mypassword123`)
	set := make(map[string]bool, len(words))
	for _, word := range words {
		set[word] = true
	}
	return set
}()
