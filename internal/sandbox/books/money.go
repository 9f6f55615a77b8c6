package books

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Money is an amount in hundredths of its currency's unit; all currencies of the
// personas have hundredths. A debit is negative.
type Money int64

// String writes a decimal number, such as -34.20.
func (m Money) String() string {
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	return fmt.Sprintf("%s%d.%02d", sign, m/100, m%100)
}

// plus adds hundredths to a decimal number as text, without rounding. A number
// to which nothing is added stays as it is written.
func (m Money) plus(text string) string {
	sum, ok := new(big.Rat).SetString(text)
	if !ok || m == 0 {
		return text
	}
	sum.Add(sum, big.NewRat(int64(m), 100))
	_, fraction, _ := strings.Cut(text, ".")
	return sum.FloatString(max(2, len(fraction)))
}

// dice makes choices that look like chance and are always the same for the same
// seed, on every machine and in every version of Go (splitmix64).
type dice struct{ state uint64 }

// roll seeds dice by words.
func roll(words ...string) *dice {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return &dice{binary.BigEndian.Uint64(sum[:])}
}

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is one of 0 to n-1.
func (d *dice) below(n int) int { return int(d.next() % uint64(n)) } //nolint:gosec // n is small and positive

// happens is true in percent of 100 cases.
func (d *dice) happens(percent int) bool { return d.below(100) < percent }

// between is an amount from one to another, both included, whichever is larger.
func (d *dice) between(a, b Money) Money {
	low, high := min(a, b), max(a, b)
	return low + Money(d.below(int(high-low)+1))
}

// The length of the national part of an IBAN (BBAN), and what those of the
// sandbox begin with: banks that nobody has.
const (
	lengthFR, headFR = 23, "9999900001"
	lengthDE, headDE = 18, "99999999"
	lengthAE, headAE = 19, "999"
)

// IBAN is that of whoever an account's order goes to or comes from at another bank.
// Of orders between accounts of one customer nothing is made up: see Order.Own.
func IBAN(account string, o Order) string {
	p, _ := planOf(account)
	return ibanOf(p.country, o.Who)
}

// Number makes up a number from 0 to n-1, of words alone: for the same words it is
// always the same.
func Number(n int, words ...string) int { return roll(words...).below(n) }

// ibanOf makes up the IBAN of somebody at another bank. Its check digits are
// right (ISO 13616).
func ibanOf(country, who string) string {
	length, head := lengthFR, headFR
	switch country {
	case "DE":
		length, head = lengthDE, headDE
	case "AE":
		length, head = lengthAE, headAE
	}
	d := roll("iban", country, who)
	for len(head) < length {
		head += strconv.Itoa(d.below(10))
	}
	return fmt.Sprintf("%s%02d%s", country, 98-remainder(head+country+"00"), head)
}

// remainder is what is left of an IBAN's digits modulo 97, with letters as the
// numbers from 10 on.
func remainder(text string) int {
	rest := 0
	for _, c := range text {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
			continue
		}
		rest = (rest*10 + int(c-'0')) % 97
	}
	return rest
}
