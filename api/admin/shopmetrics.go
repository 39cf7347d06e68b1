package admin

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/woodytoys/woodytoys/api/health"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/slots"
	"github.com/woodytoys/woodytoys/api/store"
)

// scrapeTimeout is how long counting what is in the database may hold a scrape up: less than a second, since whoever
// scrapes each second is to get the rest.
const scrapeTimeout = 700 * time.Millisecond

// WatchHealth adds whether the replica is ready, its database responds and has room, as 1 or 0.
func WatchHealth(registry prometheus.Registerer, h *health.Health) {
	gauge(registry, "woody_ready", "1 while the replica wants requests.", func() float64 { return truth(h.Ready()) })
	gauge(registry, "woody_database_up", "1 while the database answers.",
		func() float64 { return truth(h.DatabaseUp()) })
	gauge(registry, "woody_database_full", "1 while the database has no room for what is written.", func() float64 {
		return truth(h.Database() == health.Full)
	})
}

// WatchSlots adds the size and the use of slots; name is a noun such as "heavy_slots".
func WatchSlots(registry prometheus.Registerer, name string, s *slots.Slots) {
	gauge(registry, "woody_"+name, "How many there are.", func() float64 { return float64(s.Size()) })
	gauge(registry, "woody_"+name+"_in_use", "How many are taken.", func() float64 { return float64(s.InUse()) })
	gauge(registry, "woody_"+name+"_waiting", "How many callers wait for one.",
		func() float64 { return float64(s.Waiting()) })
}

// WatchAdditions adds how many new products wait for a transaction that they will share.
func WatchAdditions(registry prometheus.Registerer, waiting func() int) {
	gauge(registry, "woody_additions_waiting", "How many new products wait to be stored together.",
		func() float64 { return float64(waiting()) })
}

// WatchReservations adds how many orders wait for a transaction that they will share.
func WatchReservations(registry prometheus.Registerer, waiting func() int) {
	gauge(registry, "woody_reservations_waiting", "How many orders with items wait to be stored together.",
		func() float64 { return float64(waiting()) })
}

// WatchReads adds how many reads wait for a statement that they will share.
func WatchReads(registry prometheus.Registerer, waiting func() int) {
	gauge(registry, "woody_reads_waiting", "How many reads by id wait to be made together.",
		func() float64 { return float64(waiting()) })
}

// WatchReplies adds how many reads and writes of callers each database has replied to; what callers share counts once.
func WatchReplies(registry prometheus.Registerer, replies func() map[store.Reply]int64) {
	registry.MustRegister(repliesCollector(replies))
}

type repliesCollector func() map[store.Reply]int64

var answersDesc = prometheus.NewDesc("woody_db_answers_total",
	"Callers' reads and writes that a database has answered, by its name; the 17th name and later ones are \"other\". "+
		"What callers share counts once.",
	[]string{"node", "for"}, nil)

func (r repliesCollector) Describe(descs chan<- *prometheus.Desc) { descs <- answersDesc }

func (r repliesCollector) Collect(metrics chan<- prometheus.Metric) {
	for reply, n := range r() {
		metrics <- prometheus.MustNewConstMetric(answersDesc, prometheus.CounterValue, float64(n),
			reply.Node, reply.For)
	}
}

func gauge(registry prometheus.Registerer, name, help string, value func() float64) {
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// WatchBacklog adds the depth and age of the order queue. They are asked for at each scrape and
// left out of it when the store does not answer in time.
func WatchBacklog(registry prometheus.Registerer, from shop.Store) {
	registry.MustRegister(backlogCollector{from})
}

type backlogCollector struct{ store shop.Store }

var (
	pendingDesc = prometheus.NewDesc("woody_orders_pending", "Orders that wait for their validation.", nil, nil)
	oldestDesc  = prometheus.NewDesc("woody_orders_oldest_seconds",
		"How long the oldest of them has been waiting.", nil, nil)
)

func (b backlogCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- pendingDesc
	descs <- oldestDesc
}

func (b backlogCollector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	backlog, err := b.store.Backlog(ctx)
	if err != nil {
		return
	}
	metrics <- prometheus.MustNewConstMetric(pendingDesc, prometheus.GaugeValue, float64(backlog.Pending))
	metrics <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, backlog.Oldest.Seconds())
}

// Outbox is what WatchOutbox asks: see outbox.Outbox.Backlog.
type Outbox interface {
	Backlog(ctx context.Context) (records int, oldest time.Duration, err error)
}

// WatchOutbox adds how many invalidations wait in the outbox and for how long the oldest does. They are asked for at
// each scrape and left out of it when the database does not answer in time.
func WatchOutbox(registry prometheus.Registerer, box Outbox) {
	registry.MustRegister(outboxCollector{box})
}

type outboxCollector struct{ box Outbox }

var (
	recordsDesc = prometheus.NewDesc("woody_outbox_records",
		"Invalidations that were committed and are not carried out; at most 10,000 are counted.", nil, nil)
	oldestRecordDesc = prometheus.NewDesc("woody_outbox_oldest_seconds",
		"How long the oldest of them has been waiting.", nil, nil)
)

func (o outboxCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- recordsDesc
	descs <- oldestRecordDesc
}

func (o outboxCollector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	records, oldest, err := o.box.Backlog(ctx)
	if err != nil {
		return
	}
	metrics <- prometheus.MustNewConstMetric(recordsDesc, prometheus.GaugeValue, float64(records))
	metrics <- prometheus.MustNewConstMetric(oldestRecordDesc, prometheus.GaugeValue, oldest.Seconds())
}
