-- Safestep for `vim.lsp.config` (Neovim 0.11 and later).
return {
  cmd = { 'safestep', 'lsp' },
  filetypes = { 'sql' },
  root_markers = { 'safestep.toml', '.git' },
}
