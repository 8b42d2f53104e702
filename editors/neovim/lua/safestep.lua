-- Commands for migrations, and a setup for Neovim before 0.11. See `:help safestep`.
local M = {}

-- The directory in which the server starts for a buffer; nil for buffers that are not its business.
function M.root(buffer)
  local name = vim.api.nvim_buf_get_name(buffer)
  if vim.bo[buffer].filetype == 'toml' and vim.fs.basename(name) ~= 'safestep.toml' then
    return nil
  end
  local above = { upward = true, path = vim.fs.dirname(name) }
  local marker = vim.fs.find({ 'safestep.toml', '.git' }, above)[1]
  return marker and vim.fs.dirname(marker) or vim.fn.getcwd()
end

-- The server of the current buffer.
local function client()
  local get = vim.lsp.get_clients or vim.lsp.get_active_clients
  local found = get({ bufnr = 0, name = 'safestep' })[1]
  if not found then
    vim.notify('safestep does not serve this buffer', vim.log.levels.WARN)
  end
  return found
end

-- Shows Markdown that the server answers with in a window of its own.
local function page(method, params)
  local server = client()
  if not server then
    return
  end
  params.textDocument = vim.lsp.util.make_text_document_params()
  local function show(failed, result)
    if failed or not result then
      vim.notify(failed and failed.message or 'nothing to show for this file', vim.log.levels.INFO)
      return
    end
    vim.cmd('new')
    vim.bo.buftype, vim.bo.bufhidden, vim.bo.swapfile = 'nofile', 'wipe', false
    vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.split(result.markdown, '\n'))
    vim.bo.modifiable, vim.bo.filetype = false, 'markdown'
  end
  vim.lsp.buf_request(0, method, params, show)
end

-- The steps that a fix would write: `safe` unless `unsafe` or `plan` is said.
function M.plan(class)
  page('safestep/plan', { class = class and class ~= '' and class or 'safe' })
end

-- What each statement locks, and whom that stops.
function M.explain()
  page('safestep/explain', {})
end

local function act(kind)
  vim.lsp.buf.code_action({ context = { only = { kind }, diagnostics = {} }, apply = true })
end

-- Fixes everything that is safe and leaves the migration in one piece.
function M.fix()
  act('source.fixAll.safestep')
end

-- Makes a file of each safe step. `:wall` writes them.
function M.split()
  act('refactor.rewrite.safestep.split')
end

-- Defines the commands. Before Neovim 0.11, or with `start = true`, it starts the server for SQL files too.
function M.setup(options)
  options = options or {}
  local command = vim.api.nvim_create_user_command
  command('SafestepFix', M.fix, { desc = 'Fix what is safe without a split' })
  command('SafestepSplit', M.split, { desc = 'Split this migration into safe steps' })
  command('SafestepExplain', M.explain, { desc = 'Explain the locks of this migration' })
  command('SafestepPlan', function(given)
    M.plan(given.args)
  end, {
    nargs = '?',
    complete = function()
      return { 'safe', 'unsafe', 'plan' }
    end,
    desc = 'Show the safe steps of this migration',
  })
  if vim.lsp.config and not options.start then
    return
  end
  vim.lsp.commands['safestep.showPlan'] = function()
    M.plan()
  end
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('safestep', {}),
    pattern = { 'sql', 'toml' },
    callback = function(event)
      local root = M.root(event.buf)
      if root then
        vim.lsp.start({ name = 'safestep', cmd = { 'safestep', 'lsp' }, root_dir = root })
      end
    end,
  })
end

return M
