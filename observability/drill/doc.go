// Package drill is a fire drill: it starts a whole stage by its programs, with Prometheus, Alertmanager and the
// exporters around it, and breaks one thing after another. Each alert has to come, and to go when its cause is gone;
// none may come while the stage is well, is updated and is scaled; and every panel of every dashboard has to show
// something. All durations of the rules are thirty times shorter, and the error budget's long windows 120 times. There
// is nothing in it but tests: `make drill`.
package drill
