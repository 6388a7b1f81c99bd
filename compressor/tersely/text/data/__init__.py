"""Records and settings that programs exchange: JSON, YAML, TOML and INI."""

from tersely.text.data.ini_records import find as find_ini
from tersely.text.data.json_records import find as find_json
from tersely.text.data.record_names import naming_fields
from tersely.text.data.yaml_records import find as find_yaml

__all__ = [
    "find_ini",
    "find_json",
    "find_yaml",
    "naming_fields",
]
