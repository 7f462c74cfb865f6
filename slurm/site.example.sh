# shellcheck shell=bash disable=SC2034
# What this cluster needs before a bitdarts executable starts. Copy it to slurm/site.sh (git ignores that), or name your file with
# --site. It is sourced by bash on the login node (slurm/submit, sweep, status) and at the start of every job.

# Modules, or a spack environment, or nothing where the Debian packages are installed on all nodes.
module purge
module load gcc/12.3.0 openmpi/4.1.6 cuda/12.4 hdf5/1.14.3 boost/1.83.0
export LD_LIBRARY_PATH=$HOME/libtorch/lib:$LD_LIBRARY_PATH

# OpenMPI over the fast network, and no file in a shared /tmp.
export OMPI_MCA_pml=ucx UCX_TLS=rc,cuda_copy,cuda_ipc,sm,self

# How the ranks are bound. These are the defaults: one core, or --cpus-per-task of them, for each rank.
#srun_options=(--cpu-bind=cores)
#mpirun_options=(--bind-to core --map-by "slot:PE=$OMP_NUM_THREADS")
# One GPU for each rank, the nearest one that no other rank has (`closest` alone shows a rank all that are equally near):
srun_options=(--cpu-bind=cores --gpu-bind=single:1)

# Accounts, partitions and GPUs are sbatch options: [slurm] in the pipeline's INI file, for instance
#   [slurm]
#   options = --account=proj123 --partition=gpu --time=4:00:00 --gpus-per-task=1 --cpus-per-task=8 --mem-per-cpu=4G
#   tokenize = --partition=cpu --gpus-per-task=0 --time=1:00:00
#   search = --nodes=2 --ntasks-per-node=4 --time=24:00:00 --signal=B:USR1@300
