# One command per need, the same on a laptop and in CI. `make` lists them.
#
#   ARGS   arguments for the program:       make run ARGS="--strict --data var"
#   FLAGS  more flags for every go test:    make test FLAGS="-run TestCreate -v"

BINARY := bin/consentd
# golangci-lint has a module file of its own, so that go.mod names only what the program needs.
LINTER := go tool -modfile=test/lint/go.mod golangci-lint

# CI trusts no cached result; everywhere else the cache makes a second run quick.
TEST_FLAGS := -timeout 20m $(if $(CI),-count=1) $(FLAGS)
# The packages that are run again under the race detector; storage has a run of its own. Expanded only when used.
RACE_PACKAGES = $$(go list ./internal/... ./pkg/... | grep -v '^consentd/internal/storage\(/\|$$\)')

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

##@ General

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## "; printf "usage: make TARGET\n" } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Program

.PHONY: run
run: build ## Build, then start the sandbox on http://localhost:8080 (needs only Go and make)
	@exec $(BINARY) sandbox $(ARGS)

.PHONY: build
build: ## Build the static binary bin/consentd
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o $(BINARY) ./cmd/consentd

##@ Tests

.PHONY: test
test: ## Run all tests on SQLite, PostgreSQL and in a browser, then again with the race detector
	@sh test/prerequisites.sh
	go test $(TEST_FLAGS) ./...
	go test -v -run '^(TestCount|TestDescriptionAgainstTheStandard)$$' ./test/scenarios ./test/contract/facts
	@$(MAKE) -j2 race race-storage

# Storage takes one processor, and the others wait for PostgreSQL: side by side they are done sooner.
.PHONY: race race-storage
race: ## Run the packages under the race detector, on PostgreSQL
	CONSENTD_TEST_ENGINES=postgres go test -race $(TEST_FLAGS) $(RACE_PACKAGES)

race-storage: ## Run the storage under the race detector, on SQLite and PostgreSQL
	CONSENTD_TEST_ENGINES=sqlite,postgres go test -race $(TEST_FLAGS) ./internal/storage/... -args -rapid.checks=20

.PHONY: e2e
e2e: ## Run the whole-program tests only, with every step printed
	@sh test/prerequisites.sh
	go test $(TEST_FLAGS) -v ./test/e2e/...

.PHONY: bench
bench: ## Measure against the floors of this machine, some 4 minutes (not a test)
	@sh test/prerequisites.sh bench
	bash test/bench/bench.sh

.PHONY: bench-full
bench-full: ## Compare a table of a million consents with one of 10,000, some 5 minutes (not a test)
	@sh test/prerequisites.sh bench
	bash test/bench/bench.sh -full -rounds 3

##@ Code

.PHONY: lint
lint: ## Check format, Go code, shell scripts and OpenAPI descriptions
	@sh test/prerequisites.sh lint
	$(LINTER) fmt --diff
	$(LINTER) run
	sh test/lint/shell.sh
	sh test/lint/openapi.sh

.PHONY: fmt
fmt: ## Format the Go code
	$(LINTER) fmt

.PHONY: generate
generate: ## Write anew what is generated
	go generate ./...

.PHONY: verify
verify: generate ## Fail when generated files or go.mod are not up to date
	go mod tidy -diff
	git diff --exit-code
