# tandem: `make help` lists what there is. Nothing needs to be installed by hand:
# on Debian, `make test` and `make demo` get what is missing.

BIN      := bin/tandem
VIEWERS  ?= 127.0.0.1:8080
DEMO     ?=
PACKAGES := ffmpeg chromium nginx-light haproxy varnish iproute2 curl nftables keepalived
SUDO     := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
NODE     := $(shell command -v node 2>/dev/null)
# Go leaves the commit out where its environment switches VCS stamping off.
STAMP     = -ldflags "-X tandem/internal/obs.version=$(shell git describe --tags --always --dirty 2>/dev/null || echo dev) -X tandem/internal/obs.commit=$(shell git rev-parse HEAD 2>/dev/null)"
# One set of flags for all that is compiled here: the binary, vet, staticcheck and tests
# share what they compile. Only the race detector needs C.
# Six compile at a time, whatever else the machine does: two would wait for two others.
export GOFLAGS := $(shell go env GOFLAGS 2>/dev/null) -trimpath -p=6
export CGO_ENABLED := 0
GOFILES   = $(shell find . -name '*.go' -not -path './web/node_modules/*')
# Rooms whose tests are pure or loops: run under the race detector. The system
# tests run real processes, without it; the house's tests read files and compile.
ROOMS    := $(shell go list ./... 2>/dev/null | grep -v -e /internal/systest -e /internal/house -e /node_modules/)

# Tests that count bytes, allocations or steps in one goroutine: not under the race
# detector, which makes some of its own and takes ten times as long.
COUNTED  := Allocation|CostsMoreThanItIsLong|MillionSessions

# Tests by clocks and sockets can fall on a machine that stands still for a moment.
# Of three or fewer that fall each is run once more, alone: one that falls again is
# broken, one that passes is named at the end of make test. A data race is never
# forgiven, and neither are four (docs/decisions/0011-tests-that-fall-once.md).
FELL     := bin/fell-once
GOTEST    = go build -o bin/ gotest.tools/gotestsum && $(4) bin/gotestsum --format $(if $(findstring -v,$(TESTFLAGS)$(3)),standard-verbose,standard-quiet) --hide-summary output \
	--rerun-fails=1 --rerun-fails-max-failures=3 --rerun-fails-abort-on-data-race --rerun-fails-report $(FELL).$(1) --packages "$(2)" --

.PHONY: help build demo test lint here static audit unit tls portable house counted mutate drill listen between matrix fuzz conformance systest orders odd ready losses histories halts trust upgrade browser layouts steering front players states play trial bench strangers web docs clean deps

help: ## this list
	@echo "make TARGET"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  \1\t\2/' | expand -t 14

build: web ## bin/tandem, with the dashboard where Node is there
	go build $(STAMP) -o $(BIN) ./cmd/tandem

demo: build ## a whole cluster on this machine: origin, 3 balancers, 4 edges (DEMO="--capacity 8" adds flags)
	$(BIN) demo --listen $(VIEWERS) --fault-proxies $(DEMO)

web: ## the dashboard's pages (needs Node 20; without it the page says so)
ifeq ($(NODE),)
	@echo "web: no Node on this machine; the binary is built without the dashboard"
	@mkdir -p web/dist && touch web/dist/.keep
else
	@cd web && { [ -d node_modules/esbuild ] || npm ci --no-audit --no-fund --loglevel=error; } && node build.mjs
endif

deps: ## Debian packages that the tests, trial and bench need (apt-get, with sudo if not root)
	@missing=""; for p in $(PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	command -v node >/dev/null || missing="$$missing nodejs npm"; \
	if [ -n "$$missing" ]; then \
	  echo "== installing:$$missing"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null || exit 1; \
	fi

test: deps ## everything: analysis, unit tests with -race, system tests, real browsers
	@rm -f $(FELL).*
	@$(MAKE) --no-print-directory build
	@$(MAKE) --no-print-directory here
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory conformance
	@$(MAKE) --no-print-directory static audit >bin/static 2>&1 & TANDEM_BIN=$(CURDIR)/$(BIN) $(MAKE) --no-print-directory systest; of=$$?; wait $$!; beside=$$?; cat bin/static; [ $$of = 0 ] && [ $$beside = 0 ]
	@$(MAKE) --no-print-directory browser
	@[ -z "$$(cat $(FELL).* 2>/dev/null)" ] || { echo "== fell once and passed alone: mend them"; cat $(FELL).*; }
	@echo "== all passed"

lint: here static ## vet (also for other systems), staticcheck, gofumpt
	@for on in darwin/arm64 linux/arm64; do echo "== go vet for $$on"; GOOS=$${on%/*} GOARCH=$${on#*/} go vet ./... || exit 1; done

here:
	@echo "== go vet"; go vet ./...
	@echo "== gofumpt"; out=$$(go tool gofumpt -l $(GOFILES)); [ -z "$$out" ] || { echo "not formatted: $$out"; exit 1; }

# Reads all that is imported as well: make test does it while the system tests wait.
static:
	@echo "== staticcheck"; go tool staticcheck ./...

# What is known against the modules that are used. A database that can't be reached
# fails nothing: the modules are listed with the dates of their versions instead.
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.1.4
audit: ## known holes of the modules in use (govulncheck, npm audit), or their ages where nobody can be asked
	@echo "== govulncheck"; out=$$(timeout 120 go run $(GOVULNCHECK) ./... 2>&1); code=$$?; \
	if [ $$code = 0 ]; then echo "nothing known"; \
	elif [ $$code = 3 ] || echo "$$out" | grep -q '^Vulnerability #'; then echo "$$out"; exit 1; \
	else echo "its database can't be asked; modules by the dates of their versions:"; \
	  timeout 60 go list -m -f '{{if .Time}}{{.Time.Format "2006-01-02"}}{{else}}          {{end}} {{.Path}} {{.Version}}' all 2>/dev/null | sort | tail -60; fi
	@echo "== npm audit"; command -v npm >/dev/null || exit 0; cd web; out=$$(timeout 60 npm audit --omit=dev --audit-level=high 2>&1); code=$$?; \
	if [ $$code = 0 ]; then echo "nothing known"; \
	elif echo "$$out" | grep -qE 'severity|vulnerabilit(y|ies)'; then echo "$$out"; exit 1; \
	else echo "its database can't be asked; package-lock.json pins:"; grep -c '"resolved"' package-lock.json; fi

unit: ## tests of every room, under the race detector
	@echo "== unit tests (-race), compiled"; CGO_ENABLED=1 go list -export -deps -test -race $(ROOMS) >/dev/null
	@echo "== unit tests (-race), three rooms at once: most wait"; $(call GOTEST,unit,$(ROOMS),,CGO_ENABLED=1) -race -vet=off -p 3 -timeout 8m -skip '$(COUNTED)' $(TESTFLAGS)
	@$(MAKE) --no-print-directory -j4 -Otarget tls portable house counted

# They wait as well, and for less than the race detector makes of it: four at once.
tls:
	@echo "== loops with TLS"; $(call GOTEST,tls,./internal/front) -vet=off -timeout 8m $(TESTFLAGS) -args -tls

portable:
	@echo "== loops as they are where there is no epoll"; $(call GOTEST,portable,./internal/front) -vet=off -tags portable -timeout 8m $(TESTFLAGS)

house:
	@echo "== the house"; go test -vet=off $(TESTFLAGS) ./internal/house/...

counted:
	@echo "== what counts costs (the race detector has its own)"; go test -vet=off -run '$(COUNTED)' $(TESTFLAGS) $(shell grep -rlE --include=*_test.go 'func Test[A-Za-z]*($(COUNTED))' internal | xargs -n1 dirname | sort -u | sed 's|^|./|')

mutate: ## breaks a line of every claim and sees that its test notices (TANDEM_MUTATE="claim 8" for one claim)
	@echo "== broken lines"; TANDEM_MUTATE="$${TANDEM_MUTATE:-all}" go test -timeout 60m -count=1 -v -run BrokenLines ./internal/house/mutations

systest: ## real processes, real kills
	@echo "== system tests, three clusters at once: they mostly wait"; $(call GOTEST,systest,./internal/systest/...,-v) -vet=off -p 2 -parallel 3 -timeout 20m -count=1 $(TESTFLAGS)

drill: ## an evening of random faults and ring changes under 200 viewers (TANDEM_DRILL=10m, TANDEM_DRILL_SEED=N)
	@echo "== drill"; TANDEM_DRILL="$${TANDEM_DRILL:-10m}" go test -timeout 90m -count=1 -v -run TestDrill ./internal/systest

listen: ## a recorder between all nodes of a cluster in namespaces, under load, with changes of keys and a death (needs root; TANDEM_LISTEN=60s)
	@echo "== listen"; TANDEM_LISTEN="$${TANDEM_LISTEN:-60s}" go test -timeout 30m -count=1 -v -run AListenerLearnsNothing ./internal/systest

between: ## a man between all nodes of a cluster: he flips bits, plays back, leads connections elsewhere (TANDEM_BETWEEN=60s)
	@echo "== between"; TANDEM_BETWEEN="$${TANDEM_BETWEEN:-60s}" go test -timeout 30m -count=1 -v -run AManInBetween ./internal/systest

matrix: ## every fault at every offset of a response, over every front (half an hour; TANDEM_EVERY_OFFSET=2/7 the second of seven parts)
	@echo "== takeover matrix"; TANDEM_EVERY_OFFSET="$${TANDEM_EVERY_OFFSET:-1}" go test -timeout 90m -count=1 -v -run TestEveryFaultIsSurvived ./lb/proxy

fuzz: ## every fuzz target for FUZZTIME (default 30s) each
	@grep -rnE --include='*_test.go' '^func Fuzz' . | sed -E 's|^(.*)/[^/]*_test.go:[0-9]+:func (Fuzz[A-Za-z0-9]+).*|\1 \2|' | grep -v node_modules | while read room target; do \
	  echo "== $$room $$target"; go test "$$room" -run '^$$' -fuzz "^$$target\$$" -fuzztime "$${FUZZTIME:-30s}" || exit 1; done

orders: ## removals, drains, joinings under viewers, at the limit and with room, over TANDEM_ORDERS=10 seeds
	@echo "== orders"; TANDEM_ORDERS="$${TANDEM_ORDERS:-10}" go test -timeout 90m -count=1 -v -run TestAnOrderCostsNobodyAnything $(TESTFLAGS) ./internal/systest

odd: ## orders that nobody would give, in an order that nobody would choose, under viewers (TANDEM_ODD=10 seeds)
	@echo "== odd orders"; TANDEM_ODD="$${TANDEM_ODD:-10}" go test -timeout 90m -count=1 -v -run TestOddOrdersCostNobodyAnything $(TESTFLAGS) ./internal/systest

ready: ## kill, return, kill, return with an empty disk, kill; two of five, 300 ms apart: what of the first requests is in memory, by track, TANDEM_READY=3 times, HLS and DASH, stored and live (ten minutes)
	@echo "== ready"; TANDEM_READY="$${TANDEM_READY:-3}" go test -timeout 60m -count=1 -v -run TestEveryTakeoverOfACluster $(TESTFLAGS) ./internal/systest

losses: ## any balancers lose process, disk or address, in any order, under 60 viewers, over TANDEM_LOSSES=50 seeds (twenty minutes; TANDEM_LOSSES_SEED=N)
	@echo "== losses"; TANDEM_LOSSES="$${TANDEM_LOSSES:-50}" go test -timeout 90m -count=1 -v -run TestBalancersLoseAnything $(TESTFLAGS) ./internal/systest

histories: ## what clients hear of the placement while balancers die, lose their disks and move is what one machine could say (TANDEM_HISTORIES=50, TANDEM_HISTORIES_SEED=N)
	@echo "== histories"; TANDEM_HISTORIES="$${TANDEM_HISTORIES:-50}" go test -timeout 60m -count=1 -v -run OverWipes ./raftfsm

halts: ## a Raft leader is halted for 1.6 s and goes on, 16 times, under four clients, in TANDEM_HALTS=100 clusters (a quarter of an hour)
	@echo "== halted leaders"; TANDEM_HALTS="$${TANDEM_HALTS:-100}" go test -timeout 60m -count=1 -v -parallel 3 -run TestLeadersThatAreHaltedOften ./raftfsm

trust: ## each kind of key changes under 60 viewers while an edge and a balancer die (TANDEM_TRUST=1 rounds, up to 7, TANDEM_TRUST_SEED=N)
	@echo "== trust"; TANDEM_TRUST="$${TANDEM_TRUST:-1}" go test -timeout 60m -count=1 -v -run TestEveryKeyChangesUnderADeath $(TESTFLAGS) ./internal/systest

upgrade: build ## every node of a cluster of FROM=REVISION becomes one of this tree, and back (ONLY=up: not back), under 120 viewers that know one address
	@[ -n "$(FROM)" ] || { echo "upgrade: FROM=REVISION is missing"; exit 2; }
	@echo "== upgrade from $(FROM)"; d=$$(mktemp -d); trap 'git worktree remove --force $$d/tree; rm -rf $$d' EXIT; \
	git worktree add -q --detach $$d/tree $(FROM) && mkdir -p $$d/tree/web/dist && touch $$d/tree/web/dist/.keep && \
	(cd $$d/tree && CGO_ENABLED=0 go build -trimpath -o $$d/tandem ./cmd/tandem) && \
	TANDEM_BIN=$$d/tandem TANDEM_UPGRADE_TO=$(CURDIR)/$(BIN) TANDEM_UPGRADE_ONLY=$(ONLY) go test -timeout 30m -count=1 -v -run TestEveryNodeIsUpgraded ./internal/systest

conformance: ## the public HTTP caching suite against an edge alone
ifeq ($(NODE),)
	@command -v node >/dev/null || { echo "conformance: no Node on this machine"; exit 1; }
endif
	@echo "== HTTP caching suite"; cd web && { [ -d node_modules/http-cache-tests ] || npm ci --no-audit --no-fund --loglevel=error; } && TANDEM_BIN=$(CURDIR)/$(BIN) npm run --silent cache-tests

browser: ## hls.js, dash.js, Shaka, the dashboard and the demo's player in headless Chromium (cut links need root)
ifeq ($(NODE),)
	@command -v node >/dev/null || { echo "browser: no Node on this machine"; exit 1; }
endif
	@echo "== browser tests"; cd web && TANDEM_BIN=$(CURDIR)/$(BIN) npm test --silent
	@$(MAKE) --no-print-directory play BUFFERS=4

players: build deps ## every player with 4 s and with 10 s of buffer while the edges that serve it are killed, hang, have their cable out (make test: 4 s)
	@$(MAKE) --no-print-directory play BUFFERS=4,10

states: build deps ## every state of a cluster, made to happen, in tandem status, API and page: the same words, and pictures (five minutes, root; STATES=edges,disks for some)
	@cd web && { [ -d node_modules/playwright-core ] || npm ci --no-audit --no-fund --loglevel=error; } && $(SUDO) env "PATH=$$PATH" CHROMIUM="$(CHROMIUM)" STATES="$(STATES)" TANDEM_BIN=$(CURDIR)/$(BIN) unshare --net --mount sh -c 'ip link set lo up && exec node states/run.mjs'

play:
	@echo "== players, $(BUFFERS) s of buffer"; cd web && TANDEM_BUFFERS=$(BUFFERS) TANDEM_BIN=$(CURDIR)/$(BIN) npm run --silent players
	@echo "== players over cut links"; cd web && $(SUDO) env "PATH=$$PATH" CHROMIUM="$(CHROMIUM)" TANDEM_BUFFERS=$(BUFFERS) TANDEM_BIN=$(CURDIR)/$(BIN) npm run --silent players:cut

steering: build deps ## hls.js, dash.js and Shaka, steered, over the deaths of the edge they fetch from and the balancer they came by
	@cd web && TANDEM_BIN=$(CURDIR)/$(BIN) CHROMIUM="$(CHROMIUM)" npm run --silent steering

front: build deps ## hls.js, dash.js and Shaka with 4 s of buffer over the death of the balancer that carries them (a minute and a half)
	@cd web && TANDEM_BIN=$(CURDIR)/$(BIN) CHROMIUM="$(CHROMIUM)" npm run --silent front

layouts: build deps ## players and ffmpeg over an origin with other people's layouts, and LL-HLS, with edges killed (five minutes)
	@echo "== layouts"; cd web && { [ -d node_modules/playwright-core ] || npm ci --no-audit --no-fund --loglevel=error; } && CHROMIUM="$(CHROMIUM)" TANDEM_BIN=$(CURDIR)/$(BIN) npm run --silent layouts

trial: PACKAGES += caddy
trial: build deps ## tandem, nginx, HAProxy and Caddy under the same faults, 25 minutes; writes docs/trial.md (needs root; TRIAL="--only tandem --rows FILE" for a part)
	$(SUDO) env "PATH=$$PATH" go run ./bench/trial --report docs/trial.md $(TRIAL)

bench: build deps ## CPU cost beside nginx, Varnish and HAProxy; writes docs/performance.md (needs root)
	$(SUDO) env "PATH=$$PATH" go run ./bench/cost --report docs/performance.md

strangers: build deps ## 100 viewers beside 20 clients that ask for all they can, at the balancer, HAProxy and nginx (six minutes, root; STRANGERS=small,bodies,open,miss,shake, h2-small,h2-bodies, or slow)
	$(SUDO) env "PATH=$$PATH" go run ./bench/cost --strangers $(or $(STRANGERS),small,bodies,open,miss) --rounds 1

docs: build ## docs/config.md, docs/metrics.md and docs/events.md from the tables in the code
	$(BIN) config docs docs

clean: ## what was built
	rm -rf bin web/dist/assets web/dist/index.html
