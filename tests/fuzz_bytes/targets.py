"""The parsers that are fuzzed."""

from converter.migration.collect.untrusted import DamagedError
from converter.parity.exchange import DamagedMessageError
from converter.tensor_bundle.sorted_table import TableError
from fuzz_bytes import documents, modules, nodes, weights
from fuzz_bytes.target import Target

TARGETS = (
    Target("checkpoint_index", weights.read_index_bytes, weights.index_seeds, (TableError,)),
    Target("checkpoint_values", weights.read_values, weights.values_seeds),
    Target("saved_model", modules.read_graph, modules.graph_seeds),
    Target("module_def", modules.read_module_def, modules.module_def_seeds),
    Target("scan", modules.scan, modules.scan_seeds),
    Target("scan_text", modules.scan_text, modules.text_seeds),
    Target("nested_graph", modules.read_nested_graph, modules.nested_graph_seeds),
    Target("keras_metadata", modules.read_keras_metadata, modules.keras_metadata_seeds),
    Target("bounds", nodes.bound, nodes.seeds),
    Target("region_text", documents.read_region_text, documents.region_seeds, (ValueError,)),
    Target("graph_text", documents.read_graph_text, documents.graph_text_seeds, (ValueError,)),
    Target("record", documents.read_record, documents.record_seeds),
    Target("old_record", documents.read_old_record, documents.record_seeds, (DamagedError,)),
    Target("comparison", documents.read_comparison, documents.comparison_seeds, (DamagedError,)),
    Target("journal", documents.read_journal, documents.journal_seeds),
    Target("report", documents.read_report, documents.report_seeds),
    Target("options_toml", documents.read_toml_options, documents.toml_seeds),
    Target("options_json", documents.read_json_options, documents.json_seeds),
    Target("module_list", documents.read_list, documents.list_seeds),
    Target("input_arrays", documents.read_input_arrays, documents.array_seeds),
    Target("answer", documents.read_answer, documents.answer_seeds, (DamagedMessageError,)),
    Target("archive", documents.read_archive, documents.archive_seeds),
)


def find_target(name: str) -> Target:
    """The target of a name."""
    return next(target for target in TARGETS if target.name == name)
