-- Safestep for `vim.lsp.config` (Neovim 0.11 and later).
return {
  cmd = { 'safestep', 'lsp' },
  filetypes = { 'sql', 'toml' },
  -- Of TOML files only the configuration of Safestep is its business.
  root_dir = function(buffer, start)
    local root = require('safestep').root(buffer)
    if root then
      start(root)
    end
  end,
  commands = {
    ['safestep.showPlan'] = function()
      require('safestep').plan()
    end,
  },
}
