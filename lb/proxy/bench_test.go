package proxy

import (
	"fmt"
	"io"
	"net/http"
	"testing"
)

// What a byte costs on its way through the balancer, edge and viewer in the
// same process included: compare sizes and fronts, not products.
func BenchmarkCarry(b *testing.B) {
	content["/bench"] = make([]byte, 2<<20)
	for _, front := range fronts {
		for _, size := range []int64{2 << 10, 64 << 10, 512 << 10, 2 << 20} {
			b.Run(fmt.Sprintf("%s/%dK", front.name, size>>10), func(b *testing.B) {
				o := front.o
				o.direct = true
				s := newStage(b, o)
				req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.url+"/bench", nil)
				if err != nil {
					b.Fatal(err)
				}
				req.Header.Set("Range", fmt.Sprintf("bytes=0-%d", size-1))
				b.SetBytes(size)
				b.ReportAllocs()
				for b.Loop() {
					resp, err := s.client.Do(req)
					if err != nil {
						b.Fatal(err)
					}
					n, err := io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
					if err != nil || n != size {
						b.Fatalf("%d bytes, %v", n, err)
					}
				}
			})
		}
	}
}
