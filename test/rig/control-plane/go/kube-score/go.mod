module lambdactl.dev/rig/kube-score

go 1.23.0

tool (
	github.com/zegl/kube-score/cmd/kube-score
)

require github.com/zegl/kube-score v1.20.0
