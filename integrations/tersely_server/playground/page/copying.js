/** Text into the clipboard. */

/**
 * Copy what a text field holds.
 *
 * The clipboard is there on secure pages only; on others the browser's older way is tried, and where that fails, too,
 * the text is left selected for the person to copy.
 *
 * @param {HTMLTextAreaElement} field
 * @returns {Promise<boolean>} whether it was copied
 */
export async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    const before = document.activeElement;
    field.closest("details").open = true;
    field.select();
    if (!document.execCommand("copy")) return false;
    before.focus();
    return true;
  }
}
