// Which operations the system world is asked: the one place for their weights.
#pragma once

#include <cstdint>

#include "model/system.h"
#include "ops/config.h"
#include "ops/operation.h"
#include "props/generators/choices.h"

namespace vmref::props {

// Bounds that drawn operations keep; a recorded trace may go beyond them.
inline constexpr std::uint32_t kMostFiles = 6;
inline constexpr std::uint32_t kMostFilePages = 40;
inline constexpr std::size_t kManyMappings = 24;  // of one process; from there on it rather unmaps

// Processes at a time: their page tables cost frames.
std::uint32_t most_processes(const Config& config);

// Turns any record into an operation that `model` does not refuse. The record and the model state alone decide.
Operation draw(Choices& choices, const model::System& model, const Config& config);

}  // namespace vmref::props
