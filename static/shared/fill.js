// A button with data-fill-email (and data-fill-password) fills in the sign-in form of its page.
for (const button of document.querySelectorAll("button[data-fill-email]")) {
  button.addEventListener("click", () => {
    const email = document.getElementById("id_email");
    const password = document.getElementById("id_password");
    email.value = button.dataset.fillEmail;
    if (password && button.dataset.fillPassword) {
      password.value = button.dataset.fillPassword;
    }
    email.form.querySelector("button.button-primary").focus();
  });
}
