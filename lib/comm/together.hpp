#pragma once
#include <exception>
#include <string>

#include "comm/communicator.hpp"
#include "core/error.hpp"
#include "core/plain_message.hpp"

namespace bitdarts::comm {

template <class Work>
void together(const Communicator& world, Work&& work) {
  std::string error;
  int code = 0;
  try {
    work();
  } catch (const Error& e) {
    error = e.what();
    code = static_cast<int>(e.exit_code());
  } catch (const std::exception& e) {
    error = plain_message(e);
    code = static_cast<int>(ExitCode::failure);
  }
  world.agree(error, code);
}

}  // namespace bitdarts::comm
