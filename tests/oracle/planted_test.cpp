#include <boost/test/unit_test.hpp>
#include <functional>
#include <set>

#include "oracle/check.h"

// The runner itself: whatever is planted into a record, it must say so. Each case plants one thing into every record there is.

using oracle::Json;

namespace {

bool is_built(const Json& json) {
  return oracle::drivers().contains({json.at("kind").get<std::string>(), json.at("name").get<std::string>()});
}

/// Demands that a planted record is found wrong: by its format, or by each of its forms.
void demand_red(const Json& planted, const std::string& what) {
  if (!oracle::format_problems(planted).empty()) return;
  const auto driver =
      oracle::drivers().find({planted.at("kind").get<std::string>(), planted.at("name").get<std::string>()});
  if (driver == oracle::drivers().end()) {
    BOOST_TEST(!oracle::problems_of(planted).empty(), planted.at("id").get<std::string>() << ": not noticed: " << what);
    return;
  }
  for (std::size_t i = 0; i < driver->second.size(); ++i)
    BOOST_TEST(!oracle::problems_of(planted, driver->second[i]).empty(),
               planted.at("id").get<std::string>() << ", form " << i << ": not noticed: " << what);
}

/// Calls `plant` with a copy of each record.
void into_each_record(const std::function<void(Json)>& plant) {
  for (const Json& json : oracle::records())
    if (!oracle::not_right_yet().contains(json.at("id"))) plant(json);
}

/// Changes the first number of nested data; false when there is none.
bool change_number(Json& data) {
  if (!data.is_array()) {
    if (data.is_boolean())
      data = !data.get<bool>();
    else if (data.is_number_integer())
      data = data.get<std::int64_t>() + 1;
    else if (data.is_null())
      data = 1;
    else
      data = data.is_string() ? 0.5 : data.get<double>() * 1.01 + 1.0;
    return true;
  }
  for (Json& item : data)
    if (change_number(item)) return true;
  return false;
}

/// Changes one number of a tensor, or the dtype of an empty one.
void change(Json& tensor) {
  if (!change_number(tensor.at("data"))) tensor.at("dtype") = tensor.at("dtype") == "float64" ? "float32" : "float64";
}

/// Where each option stands, and its name: "norm_first", in the options of a module that another one is made of "encoder_layer.nhead".
std::vector<std::pair<Json::json_pointer, std::string>> each_option(const Json& options) {
  std::vector<std::pair<Json::json_pointer, std::string>> all;
  for (const auto& item : options.items()) {
    const auto here = Json::json_pointer() / item.key();
    if (!item.value().is_object()) {
      all.emplace_back(here, item.key());
      continue;
    }
    for (const auto& [at, name] : each_option(item.value())) all.emplace_back(here / at, item.key() + "." + name);
  }
  return all;
}

/// Calls `f` with each tensor at or below a value.
void each_tensor(Json& j, const std::function<void(Json&)>& f) {
  if (oracle::is_tensor(j)) return f(j);
  if (j.is_structured())
    for (Json& item : j) each_tensor(item, f);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(planted)

BOOST_AUTO_TEST_CASE(an_unknown_option_is_noticed) {
  into_each_record([](Json json) {
    if (!is_built(json)) return;  // nobody knows its options yet
    json.at("options")["planted"] = 1;
    demand_red(json, "an option");
    json.at("options").erase("planted");
    if (json.contains("groups"))
      for (Json& group : json.at("groups")) {
        group.at("options")["planted"] = 0.5;
        demand_red(json, "an option of a group");
        group.at("options").erase("planted");
      }
  });
}

BOOST_AUTO_TEST_CASE(an_unknown_field_is_noticed) {
  into_each_record([](Json json) {
    json["planted"] = 1;
    demand_red(json, "a field");
  });
}

BOOST_AUTO_TEST_CASE(an_unknown_input_is_noticed) {
  into_each_record([](Json json) {
    if (!is_built(json)) return;
    for (const char* field : {"inputs", "params", "init"})
      if (json.contains(field)) {
        Json planted = json;
        planted.at(field)["planted"] = {{"dtype", "float64"}, {"shape", {1}}, {"data", {1.0}}};
        demand_red(planted, field);
      }
  });
}

BOOST_AUTO_TEST_CASE(an_unknown_kind_or_name_or_class_is_noticed) {
  into_each_record([](Json json) {
    for (const char* field : {"kind", "name", "class"}) {
      if (!json.contains(field) || (field == std::string("class") && !is_built(json))) continue;
      Json planted = json;
      planted.at(field) = "planted";
      BOOST_TEST(!oracle::problems_of(planted).empty(), json.at("id").get<std::string>() << ": " << field);
    }
  });
}

BOOST_AUTO_TEST_CASE(a_missing_gradient_is_noticed) {
  into_each_record([](Json json) {
    if (!json.contains("grads")) return;
    for (const auto& item : json.at("grads").items()) {
      Json planted = json;
      planted.at("grads").erase(item.key());
      demand_red(planted, "no gradient of " + item.key());
      if (!json.contains("second_order")) continue;
      planted = json;
      planted.at("second_order").at("grads").erase(item.key());
      demand_red(planted, "no second derivative by " + item.key());
    }
    json.erase("grads");
    demand_red(json, "no gradients");
  });
}

BOOST_AUTO_TEST_CASE(a_missing_field_is_noticed) {
  for (const char* field : {"options", "inputs", "output", "grads", "why", "expect_error", "groups", "init", "problem",
                            "steps", "trajectory", "final_state"})
    into_each_record([&](Json json) {
      if (!json.contains(field) || json.at(field).empty()) return;
      json.erase(field);
      demand_red(json, std::string("no ") + field);
    });
}

BOOST_AUTO_TEST_CASE(a_missing_name_in_requires_grad_is_noticed) {
  into_each_record([](Json json) {
    if (!json.contains("grads")) return;
    Json planted = json;
    planted.at("requires_grad").erase(0);
    demand_red(planted, "a name in requires_grad");
    json.erase("requires_grad");
    demand_red(json, "no requires_grad");
  });
}

BOOST_AUTO_TEST_CASE(a_changed_value_is_noticed) {
  for (const char* field :
       {"output", "grads", "second_order", "trajectory", "final_state", "params_after", "buffers_after", "lrs"})
    into_each_record([&](Json json) {
      if (!json.contains(field) || !is_built(json)) return;
      each_tensor(json.at(field), [&](Json& t) {
        const Json kept = t;
        change(t);
        demand_red(json, field);
        t = kept;
      });
    });
}

BOOST_AUTO_TEST_CASE(a_changed_number_is_noticed) {
  into_each_record([](Json json) {
    if (!is_built(json)) return;
    if (json.contains("second_order")) {
      Json planted = json;
      change_number(planted.at("second_order").at("grad_norm_sq"));
      demand_red(planted, "grad_norm_sq");
    }
    if (json.contains("losses"))
      for (std::size_t i = 0; i < json.at("losses").size(); ++i) {
        Json planted = json;
        change_number(planted.at("losses").at(i));
        demand_red(planted, "a loss");
      }
  });
}

// A driver could read an option and drop it. So of all records of a function with this option, at least one must go wrong when the option
// has another value.
BOOST_AUTO_TEST_CASE(a_changed_option_is_noticed_somewhere) {
  const std::set<std::string> without_effect = {
      "conv3d, stride, form 0",      // its only record has one window, whatever the stride
      "PReLU, init, form 0",         // the weight is replaced by the record's
      "Transformer, nhead, form 0",  // two normalised features are ±1: all positions are alike, whatever the heads
      // All of their records with a momentum are of evaluation, or hold no running moments.
      "BatchNorm3d, momentum, form 0", "InstanceNorm1d, momentum, form 0", "InstanceNorm3d, momentum, form 0",
      "batch_norm, momentum, form 0",
      // Their records have as many windows without it.
      "LPPool1d, ceil_mode, form 0", "LPPool2d, ceil_mode, form 0", "max_pool2d, ceil_mode, form 0",
      // Their records give the output size, which other strides reach as well.
      "MaxUnpool1d, stride, form 0", "MaxUnpool2d, stride, form 0", "MaxUnpool3d, stride, form 0",
      "prune.ln_structured, n, form 0",  // the slices that its records prune are the smallest by other norms as well
  };
  std::map<std::string, bool> noticed;
  into_each_record([&](Json json) {
    if (!is_built(json) || json.value("expect_error", false)) return;
    const auto& forms = oracle::drivers().at({json.at("kind"), json.at("name")});
    for (const auto& [at, name] : each_option(json.at("options"))) {
      const Json& value = json.at("options").at(at);
      if (value.is_null()) continue;
      std::vector<Json> others = {value};
      if (value.is_string() && value != "inf")
        others[0] = value == "mean" ? "sum" : "planted";
      else
        change_number(others[0]);
      if (value.is_number_float()) others.emplace_back(-1 - value.get<double>());
      for (std::size_t i = 0; i < forms.size(); ++i) {
        const std::string title = json.at("name").get<std::string>() + ", " + name + ", form " + std::to_string(i);
        bool& red = noticed[title];
        for (const Json& other : others) {
          Json planted = json;
          planted.at("options").at(at) = other;
          red = red || !oracle::problems_of(planted, forms[i]).empty();
        }
      }
    }
  });
  for (const auto& [title, red] : noticed)
    BOOST_TEST(red != without_effect.contains(title),
               title << (red ? " has an effect" : ": no record tells whether it is used"));
}

BOOST_AUTO_TEST_CASE(an_error_that_does_not_come_is_noticed) {
  into_each_record([](Json json) {
    if (!is_built(json) || json.value("expect_error", false)) return;
    for (const char* result : {"output", "grads", "grad_output", "second_order", "groups", "init", "problem", "steps",
                               "trajectory", "final_state", "losses"})
      json.erase(result);
    json["expect_error"] = true;
    json["why"] = "planted";
    demand_red(json, "an error");
  });
}

BOOST_AUTO_TEST_SUITE_END()
