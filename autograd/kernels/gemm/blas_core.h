#pragma once

namespace slope {

/// Makes OpenBLAS use the kernels that this CPU can run. To be called once before the first BLAS call of the process;
/// does nothing where OpenBLAS chose well, or where the environment variable OPENBLAS_CORETYPE says what it shall use.
///
/// OpenBLAS knows CPUs by model number. A release older than the CPU (0.3.21 of Debian 12 and server CPUs since 2023)
/// falls back to kernels for SSE, with a fifth of the speed. Its initialisation is then repeated with the name of an
/// older core of the same instruction set, which is what OPENBLAS_CORETYPE in the environment of the process would do.
void suit_blas_to_cpu();

/// "SkylakeX": whose kernels OpenBLAS uses; "" for another BLAS.
const char* blas_core_name();

}  // namespace slope
