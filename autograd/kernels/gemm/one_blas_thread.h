#pragma once

namespace slope {

/// While it lives, calls of BLAS and LAPACK from this thread compute on this thread alone, so that results do not depend on the number of
/// threads and slope's are the only ones. OpenBLAS' OpenMP build takes its thread count from the calling thread's OpenMP setting, which
/// is the user's: it is put back. Other builds of OpenBLAS have a count of their own.
class OneBlasThread {
 public:
  OneBlasThread();
  ~OneBlasThread();
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;

 private:
  const int before_;
};

}  // namespace slope
