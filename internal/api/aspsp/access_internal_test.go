package aspsp

import (
	"testing"
)

// FuzzCheck holds that what the short way takes means the same on the long one.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		aCheck, `{}`, ` { "consentId" : "a" ,"tpp":"b","operation":"balances","account":"r1","page":true } `, `{"consentId":"a","tpp":"b","operation":"c","page":false,"page":false}`,
		`{"consentId":"a","tpp":"b","operation":"c",}`, `{,"consentId":"a"}`, `{"consentId":"a","tpp":"b","operation":"c"}}`, `{"consentId":"\u0061","tpp":"ü","operation":"c"}`,
		`{"consentId":"a","tpp":"b","operation":"c","account":"","requestId":"","psuIpAddress":""}`, `{"consentId":"a","tpp":"b","operation":"c","page":truefalse}`, `{"consentId":"a","tpp":"b","operation":"accounts","list":"a=b%20c","page":true}`, `,"consentId":"a"}`,
		`{"consentId":"a","tpp":"b","operation":"c","accessToken":"d","certificateThumbprint":"e"}`, `{"consentId":"a","tpp":"b","operation":"c","accessToken":"d","accessToken":"e"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		plain, ok := readPlain(body)
		if !ok {
			return
		}
		whole, faults := readSent(body)
		if len(faults) > 0 || whole != plain {
			t.Fatalf("%q was taken as %+v, is %+v with %v", body, plain, whole, faults)
		}
	})
}

func BenchmarkReadCheck(b *testing.B) {
	for name, body := range map[string]string{"plain": aCheck, "any": aCheck[:1] + `"requestId":"\u0061",` + aCheck[1:]} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, faults := readCheck([]byte(body)); faults != nil {
					b.Fatal(faults)
				}
			}
		})
	}
}
