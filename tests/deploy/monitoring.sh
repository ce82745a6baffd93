#!/bin/bash
# The alert rules are understood by Prometheus and fire where they should; each has a case; the dashboard is JSON; and every metric that
# anything asks for is one of deploy/prometheus/metrics.txt, where every one is asked for by something.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
promtool=$PWD/build/check-tools/bin/promtool
rules=deploy/prometheus/alerts.yaml

"$promtool" check rules "$rules"
"$promtool" check config deploy/prometheus/prometheus.yaml
(cd deploy/prometheus && "$promtool" test rules alerts_test.yaml)
"${promtool%/*}/python" -m json.tool deploy/grafana/porchlight.json >/dev/null

failed=0
for alert in $(sed -n 's/^ *- alert: //p' "$rules"); do
  if ! grep --quiet "alertname=\"$alert\"" deploy/prometheus/alerts_test.yaml; then
    echo "$rules: the alert $alert has no case in alerts_test.yaml"
    failed=1
  fi
done

known=$(sed -n 's/^\(porchlight_[a-z_]*\) .*/\1/p' deploy/prometheus/metrics.txt | sort)
asked=$(grep --no-filename --only-matching 'porchlight_[a-z_]*' "$rules" deploy/prometheus/alerts_test.yaml \
  deploy/grafana/porchlight.json deploy/container/porchlight-is-ready k8s/components/scale-on-lag/*.yaml | sort --unique)
difference=$(diff <(echo "$known") <(echo "$asked")) || {
  echo "deploy/prometheus/metrics.txt (<) and the metrics that are asked for (>) differ:"
  echo "$difference"
  failed=1
}
exit "$failed"
