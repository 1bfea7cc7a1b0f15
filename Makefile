# The thin door. `make demo` and `make test` do all the set-up themselves; everything else is CMake's.
.DEFAULT_GOAL := help
.PHONY: help deps build demo test
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | sort
