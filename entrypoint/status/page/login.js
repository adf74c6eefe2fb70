// Shows the message about a wrong token; the rest of the form works without a script.
document.getElementById("wrong").hidden = !location.search.startsWith("?wrong");
