# shellcheck shell=bash
# Sourced by the test of a real Slurm: a cluster on this one machine, as root. Every node has its own network, host name, /dev/shm and
# /tmp, and shares the other files. The controller has its own network too: whatever listens on this machine, its port is free.
# Needs slurmctld, slurmd, munged and ip; leaves nothing behind.
cluster_nodes=3 cluster_cpus=8

# start_cluster DIR SHARED...: its state lies in DIR; SHARED are directories under /tmp that the nodes see too.
start_cluster() {
  local node
  cluster=$1
  shared=("$@")
  export SLURM_CONF=$cluster/slurm.conf
  mkdir -p "$cluster/munge" "$cluster/state"
  chmod 755 "$cluster" "$cluster/munge"
  # Names and addresses of its own: several of these may run at a time.
  prefix=bd$((BASHPID % 100000))
  network=10.$((BASHPID / 250 % 250)).$((BASHPID % 250))
  while ip -4 addr show | grep -q "inet $network\."; do network=10.$((RANDOM % 250)).$((RANDOM % 250)); done
  write_slurm_conf > "$SLURM_CONF"
  ip link add "$prefix" type bridge
  ip addr add "$network.254/24" dev "$prefix"
  ip link set "$prefix" up
  (umask 077 && head -c 1024 /dev/urandom > "$cluster/munge/key")
  munged --key-file="$cluster/munge/key" --socket="$cluster/munge/socket" --pid-file="$cluster/munge/pid" \
    --log-file="$cluster/munge/log" --seed-file="$cluster/munge/seed"
  add_network 250
  nsenter "--net=/run/netns/$prefix-node250" slurmctld -c -f "$SLURM_CONF"
  for ((node = 1; node <= cluster_nodes; ++node)); do
    add_network "$node"
    start_node "$node"
  done
}

# add_network I: that of node I, or of the controller (250), on the bridge between them.
add_network() {
  ip netns add "$prefix-node$1"
  ip link add "$prefix-$1" type veth peer name eth0 netns "$prefix-node$1"
  ip link set "$prefix-$1" master "$prefix" up
  ip -n "$prefix-node$1" link set lo up
  ip -n "$prefix-node$1" addr add "$network.$1/24" dev eth0
  ip -n "$prefix-node$1" link set eth0 up
}

write_slurm_conf() {
  local node
  {
    echo "127.0.0.1 localhost"
    echo "$network.250 $(hostname)"
    for ((node = 1; node <= cluster_nodes; ++node)); do echo "$network.$node node$node"; done
  } > "$cluster/hosts"
  cat << CONF
ClusterName=test
SlurmctldHost=$(hostname)($network.250)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$cluster/munge/socket,cred_expire=5
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool-%n
TmpFS=/tmp
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd-%n.pid
SlurmctldLogFile=$cluster/slurmctld.log
SlurmdLogFile=$cluster/slurmd-%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2,sched_min_interval=0,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
ReturnToService=2
SlurmdTimeout=20
KillWait=5
MinJobAge=3600
JobRequeue=1
PropagateResourceLimits=NONE
SlurmdParameters=config_overrides
NodeName=node[1-$cluster_nodes] NodeAddr=$network.[1-$cluster_nodes] CPUs=$cluster_cpus RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=10 State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=10
PartitionName=high Nodes=ALL MaxTime=INFINITE DefaultTime=10 State=UP PriorityTier=10 PreemptMode=OFF
CONF
}

# start_node I: its daemon, in the namespaces of the node. What a killed one left would keep a requeued job from starting.
start_node() {
  local name=node$1
  rm -rf "$cluster/spool-$name" "$cluster/tmp-$name"
  mkdir -p "$cluster/spool-$name" "$cluster/tmp-$name"
  # shellcheck disable=SC2016 # the nodes expand it
  nsenter "--net=/run/netns/$prefix-$name" unshare --uts --ipc --mount bash -euc '
    hostname "$1"; conf=$2 hosts=$3 tmp=$4
    shift 4
    mount -t tmpfs -o mode=1777 tmpfs /dev/shm
    mount --bind "$hosts" /etc/hosts
    mount -t tmpfs -o mode=1777 tmpfs "$tmp"
    for directory in "$@"; do
      case $directory in /tmp/*) mkdir -p "$tmp${directory#/tmp}"; mount --rbind "$directory" "$tmp${directory#/tmp}" ;; esac
    done
    mount --rbind "$tmp" /tmp
    exec slurmd -N "$(hostname)" -f "$conf"' node "$name" "$SLURM_CONF" "$cluster/hosts" "$cluster/tmp-$name" "${shared[@]}"
}

# kill_node I: as if its power was cut.
kill_node() {
  ip netns pids "$prefix-node$1" | xargs -r kill -KILL
  rm -f "$cluster/slurmd-node$1.pid"
}

cluster_ready() { [ "$(sinfo -h -t idle -p main -o %D)" = "$cluster_nodes" ]; }

stop_cluster() {
  local node file process
  if [ -z "${cluster:-}" ]; then return; fi
  scancel --quiet -u "$(id -un)" 2> /dev/null || true
  for file in "$cluster/slurmctld.pid" "$cluster/munge/pid"; do
    if process=$(cat "$file" 2> /dev/null); then kill -KILL "$process" 2> /dev/null || true; fi
  done
  for node in 250 $(seq "$cluster_nodes"); do
    ip netns pids "$prefix-node$node" 2> /dev/null | xargs -r kill -KILL || true
    ip netns del "$prefix-node$node" 2> /dev/null || true
    ip link del "$prefix-$node" 2> /dev/null || true
  done
  ip link del "$prefix" 2> /dev/null || true
}
