-- Commands for migrations, and a setup for Neovim before 0.11. See `:help safestep`.
local M = {}

local options = {}

-- Why the server cannot be started, as far as this can be known before trying; nil where it can.
local function missing()
  local config = vim.lsp.config and not options.start and vim.lsp.config.safestep
  local cmd = config and config.cmd or { 'safestep' }
  if type(cmd) == 'table' and vim.fn.executable(cmd[1]) == 0 then
    return ('safestep: the program `%s` cannot be found: put it on $PATH, then open the file again'):format(cmd[1])
  end
end

-- The directory in which the server starts for a buffer; nil for buffers that are not its business, and for those without a
-- name, since a migration is known by its place.
function M.root(buffer)
  local name = vim.api.nvim_buf_get_name(buffer)
  if name == '' then
    return nil
  end
  if vim.bo[buffer].filetype == 'toml' and vim.fs.basename(name) ~= 'safestep.toml' then
    return nil
  end
  local why = missing()
  if why then
    -- An error would end the other autocommands of the buffer, and with them its colours.
    vim.schedule(function()
      vim.notify_once(why, vim.log.levels.WARN)
    end)
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
    local nameless = vim.api.nvim_buf_get_name(0) == ''
      and 'safestep knows a migration by its place: write this buffer to a file first, as with `:w migrations/name.sql`'
    vim.notify(missing() or nameless or 'safestep does not serve this buffer', vim.log.levels.WARN)
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
  if not client() then
    return
  end
  vim.lsp.buf.code_action({ context = { only = { kind }, diagnostics = {} }, apply = true })
end

-- Fixes everything that is safe and leaves the migration in one piece.
function M.fix()
  act('source.fixAll.safestep')
end

-- Makes a file of each safe step. `:wall` writes them; `:help safestep-undo` says how they are taken back.
function M.split()
  act('refactor.rewrite.safestep.split')
end

-- Defines the commands. Before Neovim 0.11, or with `start = true`, it starts the server for SQL files too, with `settings`.
function M.setup(wanted)
  options = wanted or {}
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
  local group = vim.api.nvim_create_augroup('safestep', {})
  -- A buffer that gets its name by being written has had its FileType event before.
  vim.api.nvim_create_autocmd({ 'BufFilePost', 'BufWritePost' }, {
    group = group,
    callback = function(event)
      local filetype = vim.bo[event.buf].filetype
      local get = vim.lsp.get_clients or vim.lsp.get_active_clients
      if (filetype ~= 'sql' and filetype ~= 'toml') or get({ bufnr = event.buf, name = 'safestep' })[1] then
        return
      end
      vim.api.nvim_buf_call(event.buf, function()
        local again = options.start and 'safestep' or vim.lsp.config and 'nvim.lsp.enable' or 'safestep'
        -- The group of Neovim is there only when a server was enabled.
        pcall(vim.api.nvim_exec_autocmds, 'FileType', { group = again, pattern = filetype, modeline = false })
      end)
    end,
  })
  local ours = not vim.lsp.config or options.start
  if ours then
    vim.lsp.commands['safestep.showPlan'] = function()
      M.plan()
    end
  end
  vim.api.nvim_create_autocmd('FileType', {
    group = group,
    pattern = { 'sql', 'toml' },
    callback = function(event)
      -- Neovim 0.11 says nothing about a program that is missing, and asks for no root then: this tells it.
      local root = M.root(event.buf)
      if root and ours then
        local settings = options.settings
        vim.lsp.start({ name = 'safestep', cmd = { 'safestep', 'lsp' }, root_dir = root, settings = settings })
      end
    end,
  })
end

return M
