;;; What a user of Emacs sees and does, without a screen.  -*- lexical-binding: t -*-
;; `tests/tests/fronts.rs' runs it in a project:
;;
;;   emacs --batch -l emacs.el
;;
;; SETUP is the Lisp that editors/README.md asks for.  Of the migrations below db/migrations, 00002 needs a split.

(require 'package)
(package-initialize)
(require 'cl-lib)
(require 'eglot)
(load (getenv "SETUP"))

;; Menus are asked for by keys, not by the mouse, and nobody is there to confirm what is chosen.
(setq last-nonmenu-event t
      make-backup-files nil
      eglot-confirm-server-edits nil
      eglot-confirm-server-initiated-edits nil)

(defconst patience 60 "What the server is asked for is there within this time, in seconds.")

(defun findings ()
  "The rules that complain about the open file, with their lines."
  (sort (mapcar (lambda (it)
                  (let ((text (flymake-diagnostic-text it)))
                    (string-match "\\[\\([-a-z]+\\)\\]" text)
                    (format "%s:%d" (match-string 1 text) (line-number-at-pos (flymake-diagnostic-beg it)))))
                (flymake-diagnostics))
        #'string<))

(defun await (what holds)
  "Wait until HOLDS, or fail because WHAT never came."
  (let ((end (+ (float-time) patience)))
    (while (not (funcall holds))
      (when (> (float-time) end) (error "%s never came, but %S" what (findings)))
      (accept-process-output nil 0.05))))

(defun choose (title)
  "Choose from the menu of code actions at point the one that begins with TITLE, and save."
  (cl-letf (((symbol-function 'completing-read)
             (lambda (_ items &rest _)
               (or (cl-find-if (lambda (it) (string-prefix-p title it)) (mapcar (lambda (it) (if (consp it) (car it) it)) items))
                   (error "%s is not among %S" title items)))))
    (eglot-code-actions (point) (point) nil t))
  ;; Who is not idle tells the server only then.
  (save-buffer))

(switch-to-buffer (find-file-noselect "db/migrations/00002_email.sql"))
;; The server starts when Emacs waits for its user.
(run-hooks 'post-command-hook)
(await "the server" #'eglot-current-server)
(flymake-start)
(await "the findings" (lambda () (equal (findings) '("blocking-index-creation:2" "missing-lock-timeout:3"))))

(goto-char (point-min))
(forward-line 2)
(choose "Fix missing-lock-timeout")
(await "the finding about the index" (lambda () (equal (findings) '("blocking-index-creation:3"))))
(choose "Split this migration")
(await "silence" (lambda () (null (findings))))
