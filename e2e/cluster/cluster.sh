#!/bin/bash
# One real Kubernetes node in a network, PID, mount and host-name namespace of its own, with no way out;
# a second network namespace plays the outside world. Needs root. See README.md.
#
#   cluster.sh build             build binaries and images into the cache (nothing to do if they are there)
#   cluster.sh build-monitoring  the same for `monitoring`
#   cluster.sh up | down         start and wait for Ready and DNS | end everything and leave nothing behind
#   cluster.sh status            processes with memory and CPU time
#   cluster.sh kc ARGS           kubectl as administrator         (kubectl + KUBECONFIG of `env` do the same)
#   cluster.sh helm ARGS         helm as administrator
#   cluster.sh load IMAGE.tar…   import image archives (OCI layout or docker-archive)
#   cluster.sh node CMD ARGS     run a command on the node (its files, processes, network; starts in /)
#   cluster.sh net CMD ARGS      run a command in the node's network only (sees this machine's files)
#   cluster.sh outside CMD ARGS  run a command as a host on the pretend internet
#   cluster.sh name IP NAME…     give a pretend internet address one or more names
#   cluster.sh monitoring        add the Prometheus Operator, its CRDs and a Prometheus (namespace monitoring)
#   cluster.sh settings          the same as lines for programs, and whether it is up
#   cluster.sh env               print shell settings: KUBECONFIG and cache folders, PATH with kubectl and helm
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
WORK=${E2E_WORK:-${TMPDIR:-/var/tmp}/e2e-cluster}
NAME=${E2E_NAME:-e2e}
# no debug information and no inlining: a quarter less to compile
BUILD=(-trimpath -buildvcs=false "-gcflags=all=-dwarf=false -l")
KEY=$(cd "$HERE" && { cat go.mod go.sum kube/*.go addons/*.go probe/*.go mkoci.py; echo "${BUILD[@]}"; uname -m; } | sha256sum | cut -c1-16)
CACHES=${E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/crowdsec-operator/cluster}
CACHE=$CACHES/$KEY
NODE=node0 NODE_IP=10.99.0.1 POD_NET=10.244.0.0/16 SVC_NET=10.96.0.0/16 DNS_IP=10.96.0.10
OUT_NET=198.51.100 OUT_DNS=198.51.100.53
API=https://$NODE_IP:6443
PKI=$WORK/pki LOG=$WORK/log RUN=$WORK/run BIN=$CACHE/bin

X=
die() { echo "cluster.sh: $*" >&2; exit 1; }
# (with $X set to exec, the command takes the place of the calling subshell, so that its process id is known)
net() { ${X:-} nsenter --net="/run/netns/$NAME" "$@"; }
outside() { ${X:-} nsenter --net="/run/netns/$NAME-outside" "$@"; }
node() { local i; i=$(<"$RUN/init"); ${X:-} nsenter --net="/run/netns/$NAME" --mount="/proc/$i/ns/mnt" --pid="/proc/$i/ns/pid" --uts="/proc/$i/ns/uts" --wd=/ "$@"; }
# (kubectl and helm keep what they learned of an API server by its address: each cluster needs a cache of its own)
client_env=(KUBECONFIG="$PKI/admin.kubeconfig" KUBECACHEDIR="$WORK/client/kube" HELM_CACHE_HOME="$WORK/client/helm" HELM_CONFIG_HOME="$WORK/client/helm" HELM_DATA_HOME="$WORK/client/helm")
kc() { net env "${client_env[@]}" "$BIN/kubectl" "$@"; }
helm() { net env "${client_env[@]}" "$BIN/helm" "$@"; }
start() { local n=$1; shift; (X=exec; node setsid "$@") </dev/null >"$LOG/$n.log" 2>&1 & echo $! >"$RUN/$n.pid"; }
wait_for() { # SECONDS WHAT CMD…
  local end=$((SECONDS + $1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || die "timed out waiting for $what; logs are in $LOG"
    sleep .1
  done
}

compile() { # WHAT FOLDER LINKER-FLAGS GO-BUILD-ARGUMENTS…: go build that says every few seconds how far it is
  local what=$1 folder=$2 flags=$3 t0=$SECONDS out p; shift 3
  out=$(mktemp)
  echo "$what: fetching modules and compiling"
  # GOGC=off: no garbage collection in the compilers, which are short-lived (about 3 GiB)
  (cd "$folder" && CGO_ENABLED=0 GOGC=${E2E_BUILD_GOGC:-off} nice go build -v "${BUILD[@]}" -ldflags "-s -w $flags" "$@") >"$out" 2>&1 &
  p=$!
  while sleep 5; kill -0 $p 2>/dev/null; do
    echo "$what: $(grep -c '^go: downloading' "$out") modules fetched, $(grep -vc '^go: ' "$out") packages compiled, $((SECONDS - t0)) s"
  done
  wait $p || { tail -20 "$out" >&2; rm "$out"; die "$what could not be built"; }
  rm "$out"
}

image() { # FILE REFERENCE MKOCI-ARGUMENTS…
  python3 "$HERE/mkoci.py" --out "$1" --ref "$2" "${@:3}"
}

once() { # FOLDER COMMAND: fills a folder of the cache; a second call waits for the first
  [ -e "$1/complete" ] && return
  command -v go >/dev/null || die "building needs Go 1.26 or later"
  mkdir -p "$1"
  (flock 9; if [ ! -e "$1/complete" ]; then "$2" "$1"; touch "$1/complete"; fi) 9>"$1/lock"
}

build() { once "$CACHE" build_kubernetes; }
build_kubernetes() {
  mkdir -p "$CACHE/bin" "$CACHE/images"
  local v p ld="" t0=$SECONDS
  v=$(sed -n 's/^\tk8s.io\/kubernetes v/v/p' "$HERE/go.mod" | cut -d' ' -f1)
  for p in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    ld+=" -X $p.gitVersion=$v -X $p.gitMajor=1 -X $p.gitMinor=$(cut -d. -f2 <<<"$v") -X $p.gitTreeState=clean -X $p.gitCommit=$v -X $p.buildDate=1970-01-01T00:00:00Z"
  done
  ld+=" -X helm.sh/helm/v4/internal/version.version=$(sed -n 's/^\thelm.sh\/helm\/v4 v/v/p' "$HERE/go.mod" | cut -d' ' -f1)"
  compile "Kubernetes (once; 4 minutes on two idle processors)" "$HERE" "$ld" -o "$CACHE/bin/" ./kube ./addons ./probe helm.sh/helm/v4/cmd/helm
  for p in etcd kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl; do ln -sfn kube "$CACHE/bin/$p"; done
  image "$CACHE/images/pause.tar" localhost/e2e/pause:1 --file "$CACHE/bin/probe:/probe" --entrypoint /probe --cmd pause --user 65535:65535
  image "$CACHE/images/probe.tar" localhost/e2e/probe:1 --file "$CACHE/bin/probe:/probe" --dir tmp:1777 --entrypoint /probe --cmd pause --user 65532:65532
  image "$CACHE/images/addons.tar" localhost/e2e/addons:1 --file "$CACHE/bin/addons:/addons" --dir tmp:1777 --entrypoint /addons
  echo "built in $((SECONDS - t0)) s: $CACHE"
}

monitoring_dir() { echo "$CACHES/monitoring-$(cat "$HERE"/monitoring/*/go.{mod,sum} "$HERE/mkoci.py" | sha256sum | cut -c1-16)"; }
build-monitoring() { once "$(monitoring_dir)" build_monitoring; }
build_monitoring() { # FOLDER: two modules of their own: their client libraries differ from the rest's
  local d=$1 p v op=github.com/prometheus-operator/prometheus-operator prom=github.com/prometheus/prometheus
  v=github.com/prometheus/common/version.Version
  compile "Prometheus Operator (once)" "$HERE/monitoring/operator" "-X $v=$(sed -n "s:^\t$op v\([^ ]*\).*:\1:p" "$HERE/monitoring/operator/go.mod")" -o "$d/" $op/cmd/operator $op/cmd/prometheus-config-reloader
  compile "Prometheus (once)" "$HERE/monitoring/prometheus" "-X $v=$(sed -n 's/^ *version: v//p' "$HERE/monitoring/monitoring.yaml")" -o "$d/" -tags remove_all_sd,enable_kubernetes_sd $prom/cmd/prometheus
  for p in operator prometheus-config-reloader prometheus; do
    image "$d/$p.tar" "localhost/e2e/$p:1" --file "$d/$p:/bin/$p" --dir tmp:1777 --entrypoint "/bin/$p" --user 65534:65534
  done
}

monitoring() {
  local d crds op=github.com/prometheus-operator/prometheus-operator
  build-monitoring
  d=$(monitoring_dir)
  crds=$(cd "$HERE/monitoring/operator" && go mod download $op && go list -m -f '{{.Dir}}' $op)/example/prometheus-operator-crd
  load "$d"/*.tar
  kc apply --server-side -f "$crds" >/dev/null
  kc wait --for=condition=Established --timeout=30s crd/{prometheuses,servicemonitors,podmonitors,prometheusrules}.monitoring.coreos.com >/dev/null
  kc apply -f "$HERE/monitoring/monitoring.yaml" >/dev/null
  kc -n monitoring rollout status deploy/prometheus-operator --timeout=60s
  wait_for 60 "the operator" kc -n monitoring get statefulset prometheus-e2e
  kc -n monitoring rollout status statefulset/prometheus-e2e --timeout=90s
}

cert() { # FILE SUBJECT [SUBJECT-ALT-NAMES [CA]]
  local ca=${4:-ca}
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$PKI/$1.key" -subj "$2" 2>/dev/null |
    openssl x509 -req -CA "$PKI/$ca.crt" -CAkey "$PKI/$ca.key" -CAcreateserial -days 7 -out "$PKI/$1.crt" 2>/dev/null -extfile <(
      printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n%s\n' "${3:+subjectAltName=$3}")
}
ca() { openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$PKI/$1.key" -out "$PKI/$1.crt" -days 7 -subj "/CN=$1" 2>/dev/null; }
client() { # FILE SUBJECT: a certificate and a kubeconfig with everything inside
  cert "$1" "$2"
  cat >"$PKI/$1.kubeconfig" <<Y
apiVersion: v1
kind: Config
clusters: [{name: e2e, cluster: {server: "$API", certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$PKI/$1.crt"), client-key-data: $(base64 -w0 "$PKI/$1.key")}}]
contexts: [{name: e2e, context: {cluster: e2e, user: $1}}]
current-context: e2e
Y
}

networks() {
  ip netns add "$NAME"; ip netns add "$NAME-outside"
  net ip link set lo up; outside ip link set lo up
  net ip link add node0 type bridge                       # no dummy interfaces in some kernels: a bridge without ports
  net ip addr add $NODE_IP/24 dev node0; net ip link set node0 up
  net ip link add out0 type veth peer name eth0 netns "$NAME-outside"
  net ip addr add $OUT_NET.1/24 dev out0; net ip link set out0 up
  outside ip link set eth0 up
  for h in 10 20 53 254; do outside ip addr add $OUT_NET.$h/24 dev eth0; done
  net ip route add default via $OUT_NET.254               # every other address ends in the outside namespace
  net sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables' 2>/dev/null || true
}

holder() { # the namespaces, kept by a reaping PID 1; killing its parent ends every process and mount
  echo "nameserver $OUT_DNS" >"$WORK/resolv.conf"
  printf '127.0.0.1 localhost\n%s %s\n' $NODE_IP $NODE >"$WORK/hosts"
  mkdir -p "$WORK"/node/var/{lib,log} "$WORK"/sysctl
  cat >"$WORK/init.sh" <<Y
set -e
mount --make-rshared /
hostname $NODE
mount --bind $WORK/resolv.conf /etc/resolv.conf; mount --bind $WORK/hosts /etc/hosts
mount --bind $WORK/node/var/lib /var/lib; mount --bind $WORK/node/var/log /var/log
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns /run/lock /var/lib/kubelet /var/lib/cni /var/lib/local-volumes /var/log/pods /var/log/containers
for k in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  f=$WORK/sysctl/\$(echo \$k | tr / .); cat /proc/sys/\$k >\$f; mount --bind \$f /proc/sys/\$k    # the kubelet sets these: let it write to a file
done
mount --make-rshared /
touch $RUN/ready
exec $BIN/probe pause
Y
  (X=exec; net setsid unshare --pid --mount --uts --propagation private --fork --kill-child --mount-proc sh "$WORK/init.sh") </dev/null >"$LOG/init.log" 2>&1 &
  echo $! >"$RUN/holder.pid"
  wait_for 10 "the namespaces" test -e "$RUN/ready"
  pgrep -P "$(<"$RUN/holder.pid")" >"$RUN/init"
}

cgroups() { # a subtree of our own in every hierarchy (v1, hybrid or v2)
  local h f
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    for f in $(</sys/fs/cgroup/cgroup.controllers); do echo "+$f" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true; done
    mkdir -p "/sys/fs/cgroup/$NAME"
    return
  fi
  for h in /sys/fs/cgroup/*/; do
    [ -L "${h%/}" ] && continue
    mkdir -p "$h$NAME"
    for f in cpuset.cpus cpuset.mems; do if [ -e "$h$f" ]; then cat "$h$f" >"$h$NAME/$f"; fi; done
  done
}

runtime() {
  mkdir -p "$WORK"/containerd "$WORK"/cni
  cat >"$WORK/containerd.toml" <<Y
version = 2
root = "$WORK/containerd"
state = "/run/containerd"
oom_score = 0
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/e2e/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$WORK/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
Y
  cat >"$WORK/cni/10-e2e.conflist" <<Y
{"cniVersion": "0.4.0", "name": "e2e", "plugins": [
 {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
  "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
 {"type": "portmap", "capabilities": {"portMappings": true}}]}
Y
  start containerd containerd -c "$WORK/containerd.toml"
  wait_for 20 containerd node ctr version
  load "$CACHE"/images/*.tar
}
load() { local i; for i; do node ctr -n k8s.io images import "$(realpath "$i")" >/dev/null; done; }

control_plane() {
  local k=$PKI
  start etcd "$BIN/etcd" --name=e2e --data-dir=/var/lib/etcd --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
    --listen-peer-urls=http://127.0.0.1:2380 --initial-advertise-peer-urls=http://127.0.0.1:2380 --initial-cluster=e2e=http://127.0.0.1:2380 \
    --unsafe-no-fsync --log-level=warn
  start apiserver "$BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --bind-address=$NODE_IP --advertise-address=$NODE_IP --secure-port=6443 \
    --service-cluster-ip-range=$SVC_NET --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$k/sa.pub" --service-account-signing-key-file="$k/sa.key" --client-ca-file="$k/ca.crt" \
    --tls-cert-file="$k/apiserver.crt" --tls-private-key-file="$k/apiserver.key" \
    --kubelet-client-certificate="$k/apiserver-kubelet.crt" --kubelet-client-key="$k/apiserver-kubelet.key" --kubelet-preferred-address-types=InternalIP \
    --requestheader-client-ca-file="$k/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client --requestheader-username-headers=X-Remote-User \
    --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$k/front-proxy-client.crt" --proxy-client-key-file="$k/front-proxy-client.key" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true ${E2E_API_ARGS:-}
  wait_for 90 "the API server" net curl -sf --cacert "$k/ca.crt" --cert "$k/admin.crt" --key "$k/admin.key" $API/readyz
  start controllers "$BIN/kube-controller-manager" --kubeconfig="$k/controllers.kubeconfig" --authentication-kubeconfig="$k/controllers.kubeconfig" \
    --authorization-kubeconfig="$k/controllers.kubeconfig" --service-account-private-key-file="$k/sa.key" --root-ca-file="$k/ca.crt" \
    --cluster-signing-cert-file="$k/ca.crt" --cluster-signing-key-file="$k/ca.key" --cluster-cidr=$POD_NET --allocate-node-cidrs=false \
    --use-service-account-credentials=true --leader-elect=false --bind-address=127.0.0.1 ${E2E_KCM_ARGS:-}
  start scheduler "$BIN/kube-scheduler" --kubeconfig="$k/scheduler.kubeconfig" --authentication-kubeconfig="$k/scheduler.kubeconfig" \
    --authorization-kubeconfig="$k/scheduler.kubeconfig" --leader-elect=false --bind-address=127.0.0.1
}

node_agents() {
  cat >"$WORK/kubelet.yaml" <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$NAME
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
maxOpenFiles: 20000
address: $NODE_IP
healthzBindAddress: 127.0.0.1
clusterDNS: [$DNS_IP]
clusterDomain: cluster.local
resolvConf: $WORK/resolv.conf
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: "$PKI/ca.crt"}}
authorization: {mode: Webhook}
tlsCertFile: $PKI/kubelet-server.crt
tlsPrivateKeyFile: $PKI/kubelet-server.key
evictionHard: {memory.available: 100Mi, nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%", imagefs.inodesFree: "0%"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
nodeStatusUpdateFrequency: 2s
volumePluginDir: /var/lib/kubelet/plugins-exec
Y
  start kubelet "$BIN/kubelet" --config="$WORK/kubelet.yaml" --kubeconfig="$PKI/kubelet.kubeconfig" --hostname-override=$NODE --node-ip=$NODE_IP \
    --root-dir=/var/lib/kubelet --cert-dir=/var/lib/kubelet/pki
  cat >"$WORK/proxy.yaml" <<Y
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: ${E2E_PROXY_MODE:-iptables}
clientConnection: {kubeconfig: "$PKI/proxy.kubeconfig"}
hostnameOverride: $NODE
clusterCIDR: $POD_NET
oomScoreAdj: 0
bindAddress: $NODE_IP
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
Y
  start proxy "$BIN/kube-proxy" --config="$WORK/proxy.yaml"
}

up() {
  [ "$(id -u)" = 0 ] || die "needs root"
  case $WORK/ in /run/* | /var/lib/* | /var/log/*) die "E2E_WORK may not be under /run, /var/lib or /var/log" ;; esac
  case $CACHE/ in /run/* | /var/lib/* | /var/log/*) die "E2E_CACHE may not be under /run, /var/lib or /var/log" ;; esac
  [ ! -e "$RUN/holder.pid" ] || die "already up (or not taken down): $WORK"
  for c in containerd ctr runc iptables ipset conntrack nsenter unshare openssl curl python3; do command -v $c >/dev/null || die "missing: $c (see README.md)"; done
  build
  mkdir -p "$PKI" "$LOG" "$RUN" "$WORK"
  networks; cgroups; holder
  outside_dns
  ca ca; ca front-proxy-ca
  openssl genrsa -out "$PKI/sa.key" 2048 2>/dev/null; openssl rsa -in "$PKI/sa.key" -pubout -out "$PKI/sa.pub" 2>/dev/null
  cert apiserver /CN=kube-apiserver "IP:$NODE_IP,IP:10.96.0.1,IP:127.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  cert apiserver-kubelet /O=system:masters/CN=apiserver-kubelet
  cert front-proxy-client /CN=front-proxy-client "" front-proxy-ca
  cert kubelet-server "/CN=$NODE" "IP:$NODE_IP,DNS:$NODE"
  client admin /O=system:masters/CN=admin
  client kubelet "/O=system:nodes/CN=system:node:$NODE"
  client controllers /CN=system:kube-controller-manager
  client scheduler /CN=system:kube-scheduler
  client proxy /CN=system:kube-proxy
  runtime & local r=$!
  control_plane
  wait $r || die "containerd did not start; see $LOG"
  node_agents
  sed -e "s/@NODE@/$NODE/g; s/@DNS_IP@/$DNS_IP/g" "$HERE"/manifests/*.yaml | kc apply -f - >/dev/null
  wait_for 60 "node Ready" kc wait --for=condition=Ready "node/$NODE" --timeout=2s
  start netpol "$BIN/addons" netpol --kubeconfig="$PKI/admin.kubeconfig" --hostname-override=$NODE --service-cluster-ip-range=$SVC_NET
  wait_for 60 "cluster DNS" kc -n kube-system rollout status deploy/coredns deploy/storage --timeout=2s
  touch "$RUN/up"
  kc get nodes -o wide
}

outside_dns() {
  : >"$WORK/outside.hosts"
  name $OUT_NET.10 api.crowdsec.net; name $OUT_NET.20 cdn-hub.crowdsec.net
  cat >"$WORK/outside.Corefile" <<Y
. {
  bind $OUT_DNS
  errors
  hosts $WORK/outside.hosts {
    ttl 5
    reload 500ms
  }
}
Y
  (X=exec; outside setsid "$BIN/addons" coredns -conf "$WORK/outside.Corefile") </dev/null >"$LOG/outside-dns.log" 2>&1 &
  echo $! >"$RUN/outside-dns.pid"
}
name() { echo "$*" >>"$WORK/outside.hosts"; }

down() {
  local p h d i
  set +e
  for p in outside-dns holder; do [ -s "$RUN/$p.pid" ] && kill -KILL "$(<"$RUN/$p.pid")" 2>/dev/null; done
  [ -s "$RUN/init" ] && for ((i = 0; i < 100; i++)); do [ -d "/proc/$(<"$RUN/init")" ] || break; sleep .1; done
  for p in "$NAME" "$NAME-outside"; do
    [ -e "/run/netns/$p" ] || continue
    ip netns pids "$p" | xargs -r kill -KILL 2>/dev/null     # whatever a test left in the two networks
    ip netns del "$p"
  done
  for ((i = 0; i < 50; i++)); do
    d=0
    for h in /sys/fs/cgroup/*/"$NAME" "/sys/fs/cgroup/$NAME"; do
      [ -d "$h" ] && { find "$h" -depth -type d -exec rmdir {} \; 2>/dev/null; [ -d "$h" ] && d=1; }
    done
    [ $d = 0 ] && break
    sleep .1
  done
  rm -rf "$WORK"
}

status() {
  local f p n
  for f in "$RUN"/*.pid; do
    n=$(basename "$f" .pid); p=$(<"$f")
    if [ -d "/proc/$p" ]; then
      [ -n "$(pgrep -P "$p")" ] && [ "$n" != outside-dns ] && p=$(pgrep -o -P "$p")     # the process inside the PID namespace
      awk -v n="$n" -v p="$p" '/VmRSS/{printf "%-14s pid %-7d %6.0f MiB", n, p, $2/1024}' "/proc/$p/status"
      awk -v h="$(getconf CLK_TCK)" '{printf "  %6.1f CPU s\n", ($14+$15)/h}' "/proc/$p/stat"
    else
      echo "$n is not running"
    fi
  done
}

cmd=${1:-help}; shift || true
case $cmd in
build | build-monitoring | up | down | status | kc | helm | load | name | monitoring) "$cmd" "$@" ;;
node | net | outside) X=exec; "$cmd" "$@" ;;
settings) printf '%s\n' "UP=$([ -e "$RUN/up" ] && [ -d "/proc/$(<"$RUN/init")" ] && echo yes)" "NAME=$NAME" "BIN=$BIN" "${client_env[@]}" ;;
env) echo "export ${client_env[*]} PATH=$BIN:\$PATH" ;;
*) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" ;;
esac
