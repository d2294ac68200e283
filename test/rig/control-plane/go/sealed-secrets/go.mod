module lambdactl.dev/rig/sealed-secrets

go 1.25.7

tool (
	github.com/bitnami-labs/sealed-secrets/cmd/controller
	github.com/bitnami-labs/sealed-secrets/cmd/kubeseal
)

require github.com/bitnami-labs/sealed-secrets v0.36.0
