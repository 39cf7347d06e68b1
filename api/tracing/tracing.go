// Package tracing follows requests through the shop with OpenTelemetry: from the proxy over the API, the cache, Redis
// and the database to the worker who ends an order. Nothing else of the shop imports OpenTelemetry, and where New is
// not called nothing of this is in the way of a request.
//
// What leaves the process goes by OTLP over HTTP, and is set up by the variables that OpenTelemetry defines for all
// programs: OTEL_EXPORTER_OTLP_ENDPOINT and its family, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
// OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG, and OTEL_BSP_ for the queue.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
)

// Config is what a Tracing is made of.
type Config struct {
	// Endpoint is where the spans go, as OTEL_EXPORTER_OTLP_ENDPOINT has it: /v1/traces is added to its path. Required,
	// unless OTEL_EXPORTER_OTLP_TRACES_ENDPOINT says where.
	Endpoint string
	// ReplicaID is this replica's name, as service.instance.id.
	ReplicaID string
	// Registerer takes the metrics. Required.
	Registerer prometheus.Registerer
	// Logger logs when spans cannot be sent, and when they can again. Required.
	Logger *slog.Logger
}

// Tracing makes spans, and sends them on in the background.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// Wanted reports whether spans are to be sent: to endpoint, or to where OTEL_EXPORTER_OTLP_TRACES_ENDPOINT says; and
// neither OTEL_SDK_DISABLED nor OTEL_TRACES_EXPORTER=none forbids it.
func Wanted(endpoint string) bool {
	if endpoint == "" && os.Getenv(tracesEndpoint) == "" {
		return false
	}
	return !strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") && os.Getenv("OTEL_TRACES_EXPORTER") != "none"
}

const tracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"

// CheckEndpoint returns an error that says what is wrong with an endpoint. An empty one is right: it means none.
func CheckEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	if endpoint == "" || err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return nil
	}
	return fmt.Errorf("%q is not the URL of an OTLP receiver: write it as http://host:4318", endpoint)
}

// New begins to follow. It waits for nothing: a receiver that is not there costs spans, which are counted, and never a
// request. Shutdown ends it.
func New(cfg Config) (*Tracing, error) {
	if protocol := os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q: spans are sent by http/protobuf alone, "+
			"as a rule to "+
			"port 4318", protocol)
	}
	var options []otlptracehttp.Option
	if os.Getenv(tracesEndpoint) == "" {
		to := strings.TrimSuffix(cfg.Endpoint, "/") + "/v1/traces"
		options = append(options, otlptracehttp.WithEndpointURL(to))
	}
	exporter, err := otlptracehttp.New(context.Background(), options...)
	if err != nil {
		return nil, fmt.Errorf("send traces: %w", err)
	}
	about, err := resource.New(context.Background(), resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName("woody-api"), semconv.ServiceInstanceID(cfg.ReplicaID)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { cfg.Logger.Debug("tracing", "err", err) }))
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithIDGenerator(ids{}),
		sdktrace.WithSpanProcessor(newQueue(exporter, cfg.Registerer, cfg.Logger)))
	return &Tracing{provider, provider.Tracer("github.com/woodytoys/woodytoys/api")}, nil
}

// Shutdown sends what is waiting to be sent, until ctx ends at most, and then no more.
func (t *Tracing) Shutdown(ctx context.Context) error { return t.provider.Shutdown(ctx) }
