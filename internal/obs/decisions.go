package obs

import "github.com/prometheus/client_golang/prometheus"

// Decided counts a decision on a read of account data by its operation and outcome,
// which is allowed or the code of the denial. Both are words of the program's own.
func (o *Observer) Decided(operation, outcome string) {
	o.decisions.WithLabelValues(operation, outcome).Inc()
}

func decisions() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "consentd_access_decisions_total",
		Help: "Decisions on reads of account data, by operation and by outcome.",
	}, []string{"operation", "outcome"})
}
