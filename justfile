# Short names for what is typed often. Each stands for one command.

# Start the service on embedded storage
run *args:
    cargo run --release -- {{args}}

# Run every test, on a PostgreSQL server of its own
test *filters:
    cargo xtask test {{filters}}

# Run the tests that need no PostgreSQL
test-fast *filters:
    cargo xtask test --fast {{filters}}

# Check format, lints, documentation and dependencies
lint:
    cargo xtask lint

# Format the code
fmt:
    cargo fmt --all

# Measure against the yardsticks and write docs/figures.md
bench *args:
    cargo xtask bench {{args}}

# Write the OpenAPI document
openapi:
    cargo run --quiet -- openapi > docs/openapi.json

# Build and open the documentation of the code
doc:
    cargo doc --workspace --no-deps --open
